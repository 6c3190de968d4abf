"""Simplified graphs: proven, and with the names of weights into which a factor is folded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edgesr.export.conversions.proof import Proof
from edgesr.export.conversions.simplify import simplify
from edgesr.export.graphs.onnx_graph import constant, constants, layer_names, runner
from edgesr.runtimes.errors import EdgesrError
from tests.helpers.small_graphs import conv, kernels, make_graph

TILE = np.ones((3, 4, 5), dtype=np.float32)


def proof_of_graph(model: onnx.ModelProto) -> Proof:
    run = runner(model)
    return Proof(source=lambda batch: run(batch[0])["y"], images=(TILE,), traced=(4, 5))


def simplified(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    onnx.save(model, folder / "source.onnx")
    simplify(folder / "source.onnx", folder / "simplified.onnx", proof=proof_of_graph(model))
    return onnx.load(folder / "simplified.onnx")


def test_folded_weights_keep_the_name_of_their_layer(tmp_path: Path) -> None:
    nodes = [conv("a", "x", "a"), helper.make_node("Mul", ["a", "factor"], ["y"])]
    constants = {"body.a.weight": kernels(np.eye(3)), "body.a.bias": [0.0, 1.0, 2.0], "factor": 255.0}
    model = simplified(make_graph(nodes, constants), tmp_path)
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    assert layer_names(model) == {"conv.a": "a"}
    assert constant(model, "body.a.weight")[..., 0, 0].tolist() == (np.eye(3) * 255).tolist()


def test_weights_of_two_layers_are_not_renamed(tmp_path: Path) -> None:
    first = conv("a", "x", "a")
    second = helper.make_node("Conv", ["a", *first.input[1:]], ["b"], name="conv.b")
    nodes = [first, second, helper.make_node("Mul", ["b", "factor"], ["y"])]
    constants = {"body.a.weight": kernels(np.eye(3)), "body.a.bias": [0.0, 1.0, 2.0], "factor": 255.0}
    model = simplified(make_graph(nodes, constants), tmp_path)
    assert constant(model, "body.a.weight")[..., 0, 0].tolist() == np.eye(3).tolist()


def with_shift(model: onnx.ModelProto, shift: float) -> onnx.ModelProto:
    """A copy whose convolution has another bias."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    bias = constants(result)["body.a.bias"]
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32(shift), bias.name))
    return result


def test_a_simplified_model_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_graph([conv("a", "x", "y")], {"body.a.weight": kernels(np.eye(3)), "body.a.bias": [0.0, 1.0, 2.0]})
    changed = with_shift(model, 0.02)
    monkeypatch.setattr(
        "edgesr.export.conversions.simplify.onnxsim.simplify", lambda *_args, **_options: (changed, True)
    )
    with pytest.raises(EdgesrError, match=r"onnxsim changed what .* differs by up to 0\.02"):
        simplified(model, tmp_path)


def test_a_raw_model_that_differs_is_not_onnxsims_fault(tmp_path: Path) -> None:
    model = make_graph([conv("a", "x", "y")], {"body.a.weight": kernels(np.eye(3)), "body.a.bias": [0.0, 1.0, 2.0]})
    onnx.save(with_shift(model, 0.02), tmp_path / "source.onnx")
    with pytest.raises(EdgesrError, match=r"^the ONNX file does not compute what the module does: .* up to 0\.02"):
        simplify(tmp_path / "source.onnx", tmp_path / "simplified.onnx", proof=proof_of_graph(model))

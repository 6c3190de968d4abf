"""MNN files as layer graphs: operators, shapes of weights, and inner tensors that are ONNX Runtime's."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.export.diff.diff import diff
from edgesr.export.diff.options import DiffOptions
from edgesr.export.inspection.contents import inspect
from edgesr.export.mnn.layers import mnn_layer_graph
from edgesr.export.mnn.model_file import read_operators
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from tests.export.mnn.small_mnn import converted, convolutions
from tests.runtimes.adapters import small_onnx


def test_a_small_graph_by_hand(tmp_path: Path) -> None:
    """The ReLU between both convolutions is fused into the first."""
    graph = mnn_layer_graph(read_operators(convolutions(tmp_path)))
    assert (graph.source, graph.output) == ("x", "y")
    found = [(op.kind, op.weight_shape, op.activation) for op in graph.operations if op.kind != "Cast"]
    assert found == [("Conv", (16, 3, 3, 3), "Relu"), ("Conv", (3, 16, 3, 3), None)]


def test_transposed_convolutions_have_their_weights(tmp_path: Path) -> None:
    file = converted(small_onnx.transposed(tmp_path / "model.onnx"), tmp_path / "model.mnn")
    found = {op.kind: op.weight_shape for op in mnn_layer_graph(read_operators(file)).operations}
    assert found["Conv"] == (3, 3, 1, 1) and found["ConvTranspose"] == (3, 3, 9, 9)


@pytest.mark.parametrize("graph", ["full", "tile"])
def test_all_layers_are_those_of_the_onnx_file(graph: str, any_bundle: Bundle) -> None:
    """In exact arithmetic; its fast kernels are farther away, and less than one in a thousand."""
    pair = (f"mnn-fp32-{graph}", f"onnx-fp32-{graph}")
    exact, fast = (diff(any_bundle, *pair, DiffOptions(exact=exact)).layers for exact in (True, False))
    assert {layer.layer for layer in exact} >= {"head", "tail"} and len(exact) == len(fast) >= 12
    worst = [max(layer.relative_rms or 0.0 for layer in layers) for layers in (exact, fast)]
    assert worst[0] < 1e-4 and worst[0] < worst[1] < 1e-3


@pytest.mark.parametrize("kept", [0, 3, 40, 1000])
def test_a_damaged_file_is_refused(kept: int, tmp_path: Path) -> None:
    file = tmp_path / "model.mnn"
    file.write_bytes(convolutions(tmp_path).read_bytes()[:kept])
    with pytest.raises(InputError, match=r"no \.mnn file, or damaged; export it again"):
        read_operators(file)


def test_a_file_by_itself_is_not_inspected(tmp_path: Path) -> None:
    file = tmp_path / "model.mnn"
    file.write_bytes(b"any")
    with pytest.raises(InputError, match="MNN files cannot be inspected; inspect the bundle that holds it"):
        inspect(file)

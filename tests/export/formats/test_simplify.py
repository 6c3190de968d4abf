"""Simplified graphs: weights keep their names where a factor is folded into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from edgesr.export.conversions.simplify import simplify
from edgesr.export.graphs.onnx_graph import constant, layer_names
from tests.helpers.small_graphs import conv, kernels, make_graph

TILE = np.ones((3, 4, 5), dtype=np.float32)


def simplified(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    onnx.save(model, folder / "source.onnx")
    simplify(folder / "source.onnx", folder / "simplified.onnx", tiles=[TILE])
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

"""Graphs of one size: sizes become constants, everything else stays, and the numbers are the same."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgesr.export.calibration.photographs import photograph
from edgesr.export.graphs.fixed_size import fix_size
from edgesr.export.graphs.onnx_graph import constant, runner
from edgesr.runtimes.bundle.opening import Bundle
from tests.helpers.small_graphs import conv, kernels, make_graph
from tests.helpers.whole_runs import artifact_of

CONSTANTS = {"body.a.weight": kernels(np.eye(3) * 2), "body.a.bias": [0.0, 1.0, 2.0], "axis": np.array(2)}


def pixels_times_height() -> onnx.ModelProto:
    """Conv(x) times the height of its output."""
    nodes = [
        conv("a", "x", "a"),
        helper.make_node("Shape", ["a"], ["shape"]),
        helper.make_node("Gather", ["shape", "axis"], ["height"]),
        helper.make_node("Cast", ["height"], ["factor"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["a", "factor"], ["y"]),
    ]
    return make_graph(nodes, CONSTANTS)


def test_what_depends_on_the_size_alone_becomes_a_constant() -> None:
    model = pixels_times_height()
    before = model.SerializeToString()
    fixed = fix_size(model, (5, 7))
    assert model.SerializeToString() == before
    assert [node.op_type for node in fixed.graph.node] == ["Conv", "Mul"]
    assert constant(fixed, "factor") == 5.0
    assert {tensor.name for tensor in fixed.graph.initializer} == {"body.a.weight", "body.a.bias", "factor"}
    for end in (fixed.graph.input[0], fixed.graph.output[0]):
        assert [dimension.dim_value for dimension in end.type.tensor_type.shape.dim] == [1, 3, 5, 7]
    onnx.checker.check_model(fixed, full_check=True)


@pytest.mark.parametrize("kind", ["tile", "full"])
def test_the_numbers_are_those_of_the_graph_of_any_size(any_bundle: Bundle, kind: str) -> None:
    model = onnx.load(any_bundle.path(artifact_of(any_bundle, "ort", kind).file))
    image = photograph("cat", (33, 47))
    fixed = fix_size(model, (33, 47))
    assert "Shape" not in {node.op_type for node in fixed.graph.node}
    expected, found = (next(iter(runner(one)(image).values())) for one in (model, fixed))
    assert np.abs(found - expected).max() <= 1e-3

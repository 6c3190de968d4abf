"""Operators that delegates would refuse, told from ONNX graphs: kinds, reasons, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from edgesr.export.delegates.prediction import predicted_operators, predicted_refusals
from edgesr.export.graphs.fixed_size import fix_size
from edgesr.runtimes.errors import EdgesrError
from tests.helpers.small_graphs import conv, kernels, make_graph

Reasons = dict[tuple[str, str], int]
"""How often an operator is refused for a reason."""

WEIGHTS = {"body.a.weight": kernels(np.eye(3)), "body.a.bias": np.zeros(3)}
INTEGERS = {
    "pads": [0, 0, 1, 1, 0, 0, 1, 1],
    "windows": [1, 3, 2, 4, 3, 4],
    "image": [1, 3, 8, 12],
    "places": [0, 0, 1],
    "place": 2,
    "axes": [2, 3],
    "flat": [3, 96],
    "from": [0],
    "to": [1],
    "axis": [2],
}
FLOATS = {"zero": 0.0, "one": 1.0, "six": 6.0, "matrix": np.eye(96), "left": np.ones((1, 3, 8, 8))}
GPU, NNAPI, QNN = 0, 1, 2


def node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def graph(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    integers = {name: np.array(values, dtype=np.int64) for name, values in INTEGERS.items()}
    used = {name for one in nodes for name in one.input}
    constants = {name: value for name, value in {**WEIGHTS, **integers, **FLOATS}.items() if name in used}
    return make_graph(nodes, constants)


def reasons(model: onnx.ModelProto, delegate: int) -> Reasons:
    found: Reasons = Counter()
    for one in predicted_refusals(model, (8, 12))[delegate].refused:
        found[one.operator, one.why] += one.count
    return found


SIX = "6 dimensions, at most 4"
SELECT = [node("Greater", "x zero", "g"), node("Where", "g x zero", "y")]
TURN = (0, 2, 4, 3, 5, 1)


@pytest.mark.parametrize(
    ("nodes", "delegate", "expected"),
    [
        ([conv("a", "x", "y")], GPU, {}),
        ([node("Pad", "x pads", "y", mode="reflect")], GPU, {}),
        ([node("Pad", "x pads", "y", mode="edge")], GPU, {("MIRROR_PAD", "mode SYMMETRIC, REFLECT alone"): 1}),
        ([node("Gather", "x places", "y", axis=2)], GPU, {("GATHER", "indices that are not a row of int32"): 1}),
        ([node("Gather", "x place", "y", axis=2)], GPU, {("GATHER", "indices that are not a row of int32"): 1}),
        (
            [
                node("Reshape", "x windows", "w"),
                node("Transpose", "w", "t", perm=TURN),
                node("Reshape", "t image", "y"),
            ],
            GPU,
            {("RESHAPE", SIX): 2, ("TRANSPOSE", SIX): 1},
        ),
        (
            [node("Reshape", "x windows", "w"), node("Transpose", "w", "y", perm=TURN)],
            QNN,
            {("TRANSPOSE", "6 dimensions, at most 5"): 1},
        ),
        (
            [
                node("Transpose", "x", "u", perm=(0, 1, 3, 2)),
                node("Reshape", "u windows", "w"),
                node("Transpose", "w", "y", perm=TURN),
            ],
            NNAPI,
            {("RESHAPE", SIX): 1, ("TRANSPOSE", "version 6, its list has up to 2"): 2},
        ),
        ([node("Clip", "x zero one", "y")], GPU, {}),
        ([node("Clip", "x zero six", "y")], NNAPI, {}),
        ([node("Gelu", "x", "y")], NNAPI, {("GELU", "no GELU in its list"): 1}),
        ([node("Erf", "x", "y")], QNN, {("CUSTOM FlexErf", "no CUSTOM FlexErf in its list"): 1}),
        (SELECT, GPU, {}),
        ([SELECT[0], node("Where", "g x x", "y")], NNAPI, {}),
        (
            [node("Greater", "x zero", "g"), node("Where", "g x zero", "y")],
            NNAPI,
            {("SELECT_V2", "no SELECT_V2 in its list"): 1},
        ),
        ([node("Reshape", "x flat", "f"), node("MatMul", "f matrix", "y")], GPU, {}),
        (
            [node("MatMul", "left x", "y")],
            GPU,
            {("BATCH_MATMUL", "a constant factor that is no matrix on the right"): 1},
        ),
        ([node("ReduceMean", "x axes", "y")], GPU, {}),
        ([node("Slice", "x from to axis", "y")], GPU, {}),
        ([node("Softmax", "x", "y", axis=3)], NNAPI, {}),
        ([node("DepthToSpace", "x", "y", blocksize=1, mode="CRD")], GPU, {("RESHAPE", SIX): 2, ("TRANSPOSE", SIX): 1}),
        (
            [node("ArgMax", "x", "i", axis=1), node("Cast", "i", "y", to=onnx.TensorProto.FLOAT)],
            GPU,
            {("ARG_MAX", "no ARG_MAX in its list"): 1},
        ),
        ([conv("a", "x", "c"), node("DepthToSpace", "c", "y", blocksize=1, mode="CRD")], GPU, {}),
    ],
)
def test_reasons(nodes: Sequence[onnx.NodeProto], delegate: int, expected: Reasons) -> None:
    assert reasons(graph(*nodes), delegate) == expected


def test_operators_that_a_graph_will_become() -> None:
    weights = {**WEIGHTS, "slope": np.full((3, 1, 1), 0.1)}
    nodes = [
        conv("a", "x", "c", pads=0),
        node("PRelu", "c slope", "p"),
        node("Identity", "p", "i"),
        node("Clip", "i zero one", "y"),
    ]
    model = make_graph(nodes, {**weights, "zero": 0.0, "one": 1.0})
    operators = predicted_operators(fix_size(model, (8, 12)))
    assert [operator.kind for operator in operators] == ["CONV_2D", "PRELU", "RELU", "MINIMUM"]
    assert operators[0].inputs[0].shape == (1, 8, 12, 3)
    assert operators[0].readers == ("PRELU",)


def test_operators_that_tflite_has_not_are_no_refusals() -> None:
    """They become several others, of which nothing is predicted."""
    nodes = [conv("a", "x", "features"), node("HardSigmoid", "features", "y")]
    assert [one.kind for one in predicted_operators(fix_size(graph(*nodes), (8, 12)))] == ["CONV_2D"]
    assert reasons(graph(*nodes), NNAPI) == {}


@pytest.mark.parametrize("kind", ["quantized", "float16 weights", "float16 image"])
def test_graphs_of_lower_precision_are_not_predicted(kind: str) -> None:
    model = graph(conv("a", "x", "y"))
    if kind == "quantized":
        model.graph.node.append(node("QuantizeLinear", "y one", "q"))
    elif kind == "float16 weights":
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(1, dtype=np.float16), "half"))
    else:
        model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    with pytest.raises(EdgesrError, match="for float32 graphs alone"):
        predicted_refusals(model, (8, 12))


def test_a_graph_that_does_not_run_is_told_in_one_line() -> None:
    """Its own shape is asked for, and an operator that ONNX Runtime does not know stands before."""
    unknown = helper.make_node("Unknown", ["x"], ["u"], domain="someone.else")
    model = graph(unknown, node("Shape", "u", "s"), node("Reshape", "x s", "y"))
    model.opset_import.append(helper.make_opsetid("someone.else", 1))
    with pytest.raises(EdgesrError) as error:
        predicted_refusals(model, (8, 12))
    assert "\n" not in str(error.value)

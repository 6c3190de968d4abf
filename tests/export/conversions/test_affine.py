"""Constant factors and shifts that are folded into convolutions: numbers worked out by hand, and the operators left."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import ArrayLike
from onnx import helper

from edgesr.export.graphs.affine import fold_affine
from edgesr.export.graphs.onnx_graph import constant, convolutions, runner
from tests.helpers.small_graphs import conv, kernels, make_graph

BIAS = [1.0, 2.0, 3.0]
SCALARS = {"two": 2.0, "minus": -4.0, "level": 100.0}
CONSTANTS = {"body.a.weight": kernels(np.eye(3)), "body.a.bias": BIAS, **SCALARS}
MEAN = np.array([10, 20, 30], dtype=np.float32).reshape(1, 3, 1, 1)
IMAGE = np.random.default_rng(0).uniform(0, 255, (3, 5, 7)).astype(np.float32)


def graph(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    used = {name for node in nodes for name in node.input}
    constants = {name: values for name, values in {**CONSTANTS, "mean": MEAN}.items() if name in used}
    return make_graph(nodes, constants)


def node(operator: str, *inputs: str, output: str = "y") -> onnx.NodeProto:
    return helper.make_node(operator, inputs, [output])


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    before = model.SerializeToString()
    result = fold_affine(model)
    assert model.SerializeToString() == before
    onnx.checker.check_model(result, full_check=True)
    expected = runner(model)(IMAGE)["y"]
    assert np.abs(runner(result)(IMAGE)["y"] - expected).max() <= 1e-6 * np.abs(expected).max()
    return result


@pytest.mark.parametrize(
    ("nodes", "factor", "bias"),
    [
        ([node("Add", "a", "mean")], 1, [11, 22, 33]),
        ([node("Sub", "a", "level")], 1, [-99, -98, -97]),
        ([node("Sub", "mean", "a")], -1, [9, 18, 27]),
        ([node("Mul", "two", "a")], 2, [2, 4, 6]),
        ([node("Div", "a", "minus")], -0.25, [-0.25, -0.5, -0.75]),
        ([node("Add", "a", "mean", output="b"), node("Mul", "b", "two")], 2, [22, 44, 66]),
        ([node("Mul", "a", "two", output="b"), node("Add", "b", "mean")], 2, [12, 24, 36]),
    ],
    ids=["mean", "level", "from the mean", "factor", "divisor", "mean, factor", "factor, mean"],
)
def test_what_follows_is_folded(nodes: list[onnx.NodeProto], factor: float, bias: ArrayLike) -> None:
    result = folded(graph(conv("a", "x", "a"), *nodes))
    assert [found.op_type for found in result.graph.node] == ["Conv"]
    assert {tensor.name for tensor in result.graph.initializer} == {"body.a.weight", "body.a.bias"}
    assert constant(result, "body.a.weight")[..., 0, 0].tolist() == (np.eye(3) * factor).tolist()
    assert constant(result, "body.a.bias").tolist() == np.asarray(bias).tolist()


def test_factors_of_channels_go_to_their_rows() -> None:
    result = folded(graph(conv("a", "x", "a"), node("Mul", "a", "mean")))
    assert constant(result, "body.a.weight")[..., 0, 0].tolist() == np.diag([10, 20, 30]).tolist()
    assert constant(result, "body.a.bias").tolist() == [10, 40, 90]


def test_what_comes_before_is_folded_where_nothing_is_padded() -> None:
    result = folded(
        graph(node("Sub", "x", "mean", output="b"), node("Div", "b", "two", output="c"), conv("a", "c", "y"))
    )
    assert [found.op_type for found in result.graph.node] == ["Conv"]
    assert constant(result, "body.a.weight")[..., 0, 0].tolist() == (np.eye(3) / 2).tolist()
    assert constant(result, "body.a.bias").tolist() == [1 - 5, 2 - 10, 3 - 15]


def test_a_convolution_without_a_bias_gets_one() -> None:
    plain = helper.make_node("Conv", ["x", "body.a.weight"], ["a"], name="conv.a")
    result = folded(graph(plain, node("Add", "a", "mean")))
    (found,) = convolutions(result)
    assert constant(result, found.input[2]).tolist() == [10, 20, 30]


def test_shared_weights_stay_for_the_other_convolution() -> None:
    second = helper.make_node("Conv", ["b", "body.a.weight", "body.a.bias"], ["y"], name="conv.b")
    result = folded(graph(conv("a", "x", "a"), node("Mul", "a", "two", output="b"), second))
    assert [found.op_type for found in result.graph.node] == ["Conv", "Conv"]
    first, other = convolutions(result)
    assert constant(result, first.input[1]).max() == 2
    assert constant(result, other.input[1]).max() == 1


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Sub", "x", "mean", output="b"), conv("a", "b", "y", pads=1)],
        [conv("a", "x", "a"), node("Add", "a", "x")],
        [conv("a", "x", "a"), node("Div", "level", "a")],
        [conv("a", "x", "a"), node("Mul", "a", "two", output="b"), node("Add", "a", "b")],
    ],
    ids=["zero pads", "no constant", "reciprocal", "two readers"],
)
def test_what_would_compute_something_else_stays(nodes: list[onnx.NodeProto]) -> None:
    model = graph(*nodes)
    assert folded(model).SerializeToString() == model.SerializeToString()

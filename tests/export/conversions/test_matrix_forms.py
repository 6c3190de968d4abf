"""Softmax and products with one number between Reshapes: the same numbers, and no such operator on three sides."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.graphs.for_converter.matrix_forms import use_matrices
from edgesr.export.graphs.onnx_graph import runner, tensor_shapes


def graph(nodes: list[onnx.NodeProto], output: list[int], **constants: object) -> onnx.ModelProto:
    """A graph of "x" (1,3,4,6), which comes as "t" (3,4,6) too."""
    given = {"shape": np.array([3, 4, 6]), **constants}
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Reshape", ["x", "shape"], ["t"]), *nodes],
            "attention",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 4, 6])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in given.items()],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    inferred: onnx.ModelProto = onnx.shape_inference.infer_shapes(model)
    return inferred


def check(model: onnx.ModelProto, operators: list[str]) -> None:
    written = use_matrices(model)
    onnx.checker.check_model(written)
    assert [node.op_type for node in written.graph.node] == operators
    shapes = tensor_shapes(onnx.shape_inference.infer_shapes(written))
    for node in written.graph.node:
        assert node.op_type not in ("Softmax", "Mul") or len(shapes[node.output[0]]) == 2
    image = np.random.default_rng(0).normal(size=(3, 4, 6)).astype(np.float32)
    assert np.abs(runner(written)(image)["y"] - runner(model)(image)["y"]).max() < 1e-6


@pytest.mark.parametrize("number", [np.float32(0.3), np.full((1, 1, 1), 0.3, dtype=np.float32)])
@pytest.mark.parametrize("axis", [-1, 2])
def test_a_chain_lies_between_two_reshapes(number: np.ndarray, axis: int) -> None:
    nodes = [
        helper.make_node("Mul", ["t", "number"], ["z"]),
        helper.make_node("Softmax", ["z"], ["y"], axis=axis),
    ]
    check(graph(nodes, [3, 4, 6], number=number), ["Reshape", "Reshape", "Mul", "Softmax", "Reshape"])


def test_what_reads_a_part_of_the_chain_gets_its_own_shape() -> None:
    nodes = [
        helper.make_node("Mul", ["number", "t"], ["z"]),
        helper.make_node("Softmax", ["z"], ["p"], axis=-1),
        helper.make_node("MatMul", ["p", "kernel"], ["m"]),
        helper.make_node("MatMul", ["z", "kernel"], ["n"]),
        helper.make_node("Concat", ["m", "n"], ["y"], axis=2),
    ]
    kernel = np.random.default_rng(1).normal(size=(3, 6, 2)).astype(np.float32)
    expected = ["Reshape", "Reshape", "Mul", "Reshape", "Softmax", "Reshape", "MatMul", "MatMul", "Concat"]
    check(graph(nodes, [3, 4, 4], number=np.float32(0.3), kernel=kernel), expected)


def test_other_nodes_stay() -> None:
    """Another axis, an image of four sides, and a sum of two tensors."""
    nodes = [
        helper.make_node("Softmax", ["t"], ["p"], axis=1),
        helper.make_node("Add", ["p", "t"], ["q"]),
        helper.make_node("Mul", ["x", "number"], ["four"]),
        helper.make_node("Add", ["four", "q"], ["y"]),
    ]
    model = graph(nodes, [1, 3, 4, 6], number=np.float32(0.3))
    assert list(use_matrices(model).graph.node) == list(model.graph.node)

"""Softmax, and products and sums with one number, of tensors of three sides, written on matrices.

onnx2tf takes such a tensor for a row of pixels with channels behind a product with one number, and says nothing: a
softmax after it is over another axis.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgesr.export.graphs.onnx_graph import constants, copied, live_nodes, tensor_shapes

_ELEMENTWISE = ("Add", "Sub", "Mul", "Div")


def use_matrices(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a graph of fixed sizes in which chains of such nodes lie between two Reshapes."""
    result = copied(model)
    shapes, known = tensor_shapes(model), constants(model)
    numbers = {name for name, tensor in known.items() if int(np.prod(tensor.dims)) == 1}
    matrices: dict[str, str] = {}
    for node in list(result.graph.node):
        tensor = _tensor_of(node, numbers)
        shape = shapes.get(tensor, ())
        if len(shape) == 3 and all(shape):
            matrices[node.output[0]] = _replace(result, node, tensor, shape, matrices)
    kept = live_nodes(list(result.graph.node), [result.graph.output[0].name])
    del result.graph.node[:]
    result.graph.node.extend(kept)
    return result


def _tensor_of(node: onnx.NodeProto, numbers: set[str]) -> str:
    """The tensor that a node takes next to numbers, "" where it is no such node."""
    if node.op_type == "Softmax":
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), -1)
        return node.input[0] if axis in (-1, 2) else ""
    tensors = [name for name in node.input if name not in numbers]
    return tensors[0] if node.op_type in _ELEMENTWISE and len(tensors) == 1 and len(node.input) == 2 else ""


def _replace(
    model: onnx.ModelProto, node: onnx.NodeProto, tensor: str, shape: tuple[int, ...], matrices: dict[str, str]
) -> str:
    """Put a node on matrices in its place, after that of an earlier one where its tensor has one; its result's name."""
    name = f"{node.output[0]}.matrix"
    for suffix, sides in (("flat", (-1, shape[-1])), ("shape", shape)):
        model.graph.initializer.append(numpy_helper.from_array(np.array(sides, dtype=np.int64), f"{name}.{suffix}"))
    matrix = matrices.get(tensor, f"{name}.in")
    inputs = [matrix if other == tensor else _scalar(model, other) for other in node.input]
    on_matrix = helper.make_node(node.op_type, inputs, [f"{name}.out"])
    if node.op_type == "Softmax":
        on_matrix.attribute.append(helper.make_attribute("axis", 1))
    flat = helper.make_node("Reshape", [tensor, f"{name}.flat"], [f"{name}.in"])
    back = helper.make_node("Reshape", [f"{name}.out", f"{name}.shape"], [node.output[0]])
    place = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    for offset, new in enumerate((flat, on_matrix, back)):
        model.graph.node.insert(place + offset, new)
    return f"{name}.out"


def _scalar(model: onnx.ModelProto, name: str) -> str:
    """Name of a number without sides, so that the result stays a matrix."""
    known = constants(model)
    scalar = f"{name}.scalar"
    if scalar not in known:
        value = numpy_helper.to_array(known[name]).reshape(())
        model.graph.initializer.append(numpy_helper.from_array(value, scalar))
    return scalar

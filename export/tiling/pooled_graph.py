"""Networks that pool means of whole images: a tile graph that takes these means as an input.

Channel attention, as squeeze-and-excite and RCAN have it, weighs channels by their means over the image. A tile has
other means; given those of the image, it is a network that looks as far as its convolutions do.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.graphs.onnx_graph import constant, constants, copied
from edgesr.runtimes.adapters.pooled import MASK, MEANS, SUMS

_Shape = tuple[int | str, ...]


def with_given_means(model: onnx.ModelProto) -> tuple[onnx.ModelProto, int] | None:
    """A copy of a tile graph of any size with the interface of `edgesr.runtimes.adapters.pooled`, and how many means it
    takes; None where it pools nothing over whole images, or features of another size than the image.
    """
    result = copied(model)
    shapes = _shapes(onnx.shape_inference.infer_shapes(model))
    sides = shapes[model.graph.input[0].name][2:]
    pools = [node for node in result.graph.node if _pools(node, model)]
    sources = [shapes.get(node.input[0], ()) for node in pools]
    if not pools or any(len(shape) != 4 or shape[2:] != sides or not isinstance(shape[1], int) for shape in sources):
        return None
    counts = [int(shape[1]) for shape in sources]
    sums: list[str] = []
    for place, node in enumerate(pools):
        sums.append(_give(result, node, start=sum(counts[:place]), count=counts[place]))
    total = sum(counts)
    height, width = (str(side) for side in sides)
    result.graph.node.append(helper.make_node("Concat", sums, [SUMS], axis=1))
    result.graph.input.append(helper.make_tensor_value_info(MEANS, TensorProto.FLOAT, [1, total]))
    result.graph.input.append(helper.make_tensor_value_info(MASK, TensorProto.FLOAT, [1, 1, height, width]))
    result.graph.output.append(helper.make_tensor_value_info(SUMS, TensorProto.FLOAT, [1, total]))
    return result, total


def _shapes(model: onnx.ModelProto) -> dict[str, _Shape]:
    """Of all tensors whose number of sides is known; a side of any length by its name."""
    graph = model.graph
    return {
        value.name: tuple(side.dim_value or side.dim_param for side in value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info, *graph.output)
    }


def _pools(node: onnx.NodeProto, model: onnx.ModelProto) -> bool:
    """Whether it takes means over height and width."""
    if node.op_type == "GlobalAveragePool":
        return True
    if node.op_type != "ReduceMean" or len(node.input) < 2 or node.input[1] not in constants(model):
        return False
    return sorted(int(axis) % 4 for axis in constant(model, node.input[1])) == [2, 3]


def _give(model: onnx.ModelProto, node: onnx.NodeProto, *, start: int, count: int) -> str:
    """Put given means, where there are any, in the place of those that a node takes; the name of the sums (1,count)."""
    result, features = node.output[0], node.input[0]
    keeps = next((attribute.i for attribute in node.attribute if attribute.name == "keepdims"), 1)
    name = f"{result}.pooled"
    values = {
        "start": [start],
        "stop": [start + count],
        "channels": [1],
        "shape": [1, count, 1, 1] if keeps else [1, count],
        "sides": [2, 3],
    }
    for suffix, numbers in values.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(numbers, dtype=np.int64), f"{name}.{suffix}"))
    node.output[0] = f"{name}.own"
    place = list(model.graph.node).index(node) + 1
    new = (
        helper.make_node("Slice", [MEANS, f"{name}.start", f"{name}.stop", f"{name}.channels"], [f"{name}.row"]),
        helper.make_node("Reshape", [f"{name}.row", f"{name}.shape"], [f"{name}.given"]),
        helper.make_node("IsNaN", [f"{name}.given"], [f"{name}.none"]),
        helper.make_node("Where", [f"{name}.none", f"{name}.own", f"{name}.given"], [result]),
        helper.make_node("Mul", [features, MASK], [f"{name}.counted"]),
        helper.make_node("ReduceSum", [f"{name}.counted", f"{name}.sides"], [f"{name}.sums"], keepdims=0),
    )
    for offset, one in enumerate(new):
        model.graph.node.insert(place + offset, one)
    return f"{name}.sums"

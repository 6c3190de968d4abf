"""Networks that pool means of whole images: a tile graph that takes these means as an input.

Channel attention, as squeeze-and-excite and RCAN have it, weighs channels by their means over the image. A tile has
other means; given those of the image, it is a network that looks as far as its convolutions do.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.graphs.onnx_graph import constant, constants, copied, runner
from edgesr.runtimes.interface.pooled import MASK, MEANS, SUMS


def with_given_means(model: onnx.ModelProto, *, least_side: int) -> tuple[onnx.ModelProto, int] | None:
    """A copy of a tile graph of any size with inputs and outputs of `edgesr.runtimes.interface.pooled`, and how many
    means it takes; None where it pools nothing over whole images, or features of another size than the image.

    ``least_side``: of an image that it takes.
    """
    result = copied(model)
    pools = [node for node in result.graph.node if _pools(node, model)]
    counts = _channels(model, [node.input[0] for node in pools], least_side) if pools else None
    if counts is None:
        return None
    sums: list[str] = []
    for place, node in enumerate(pools):
        sums.append(_give(result, node, start=sum(counts[:place]), count=counts[place]))
    total = sum(counts)
    result.graph.node.append(helper.make_node("Concat", sums, [SUMS], axis=1))
    result.graph.input.append(helper.make_tensor_value_info(MEANS, TensorProto.FLOAT, [1, total]))
    result.graph.input.append(helper.make_tensor_value_info(MASK, TensorProto.FLOAT, [1, 1, "height", "width"]))
    result.graph.output.append(helper.make_tensor_value_info(SUMS, TensorProto.FLOAT, [1, total]))
    return result, total


def pools_means(model: onnx.ModelProto) -> bool:
    """Whether a graph takes means of whole images."""
    return any(_pools(node, model) for node in model.graph.node)


def _channels(model: onnx.ModelProto, features: list[str], least_side: int) -> list[int] | None:
    """The channels of tensors that are pooled; None unless all have the image's height and width, at an odd size and
    another.
    """
    channels = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    counts: list[int] = []
    for size in ((least_side + 17, least_side + 32), (least_side + 32, least_side + 8)):
        found = runner(model, features)(np.full((channels, *size), 128, dtype=np.float32))
        shapes = [found[name].shape for name in features]
        if any(len(shape) != 4 or shape[2:] != size for shape in shapes):
            return None
        counts = [shape[1] for shape in shapes]
    return counts


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

"""Constants of one value a channel, written (1,c,1,1): of (c,1,1) onnx2tf takes the first side for the height.

It does so where the image is as high as it has channels, a tile of 64x64 with 64 channels say, and says nothing.
"""

from __future__ import annotations

import onnx
from onnx import numpy_helper

from edgesr.export.graphs.onnx_graph import constants, copied, tensor_shapes

_ELEMENTWISE = ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min")


def use_full_ranks(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a graph with known shapes in which constants of three sides that images are combined with have four."""
    result = copied(model)
    known = constants(model)
    images = {name for name, shape in tensor_shapes(model).items() if len(shape) == 4}
    for node in result.graph.node:
        if node.op_type not in _ELEMENTWISE or images.isdisjoint(node.input):
            continue
        for place, name in enumerate(node.input):
            if name in known and len(known[name].dims) == 3:
                node.input[place] = _of_full_rank(result, known[name])
    return result


def _of_full_rank(model: onnx.ModelProto, tensor: onnx.TensorProto) -> str:
    """Name of the constant with another side in front; others may read the one of three sides."""
    name = f"{tensor.name}.full_rank"
    if name not in constants(model):
        model.graph.initializer.append(numpy_helper.from_array(numpy_helper.to_array(tensor)[None], name))
    return name

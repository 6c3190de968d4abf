"""A TFLite tile graph whose size its runtime can set: bilinear upsampling as a convolution and a depth-to-space.

RESIZE_BILINEAR has its output size baked in, so that a resized file would compute another function. Each of the s*s
phases of bilinear upsampling is a fixed 3x3 filter of the LR image, whose border is repeated; the weights are multiples
of 1/64 at x4, so that the sums are exact for 8-bit images.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgesr.export.graphs.onnx_graph import copied
from edgesr.export.graphs.tflite_graph import operator_name

_CHANNELS = 3


def upsample_by_convolution(model: onnx.ModelProto, scale: int) -> onnx.ModelProto:
    """A copy in which the Resize of the graph's input is Pad, Conv and DepthToSpace.

    The Pad says "reflect", since the converter knows no other: `repeat_border` makes it repeat the border afterwards.
    """
    result = copied(model)
    nodes = result.graph.node
    place = next(i for i, node in enumerate(nodes) if _is_input_resize(node, model))
    resize = nodes[place]
    pads = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)
    result.graph.initializer.extend(
        [
            numpy_helper.from_array(pads, "upsample.pads"),
            numpy_helper.from_array(_phase_filters(scale), "upsample.weight"),
        ]
    )
    replacement = (
        helper.make_node("Pad", [resize.input[0], "upsample.pads"], ["upsample.padded"], mode="reflect"),
        helper.make_node("Conv", ["upsample.padded", "upsample.weight"], ["upsample.phases"], kernel_shape=[3, 3]),
        helper.make_node("DepthToSpace", ["upsample.phases"], [resize.output[0]], blocksize=scale, mode="CRD"),
    )
    nodes.remove(resize)
    for offset, node in enumerate(replacement):
        nodes.insert(place + offset, node)
    return result


def upsamples_input(model: onnx.ModelProto) -> bool:
    """Whether a graph's first step is to upsample its input."""
    return any(_is_input_resize(node, model) for node in model.graph.node)


def repeat_border(model: Any) -> None:
    """Make the mirror pad of a TFLite model's input repeat the border: with one pixel that is SYMMETRIC."""
    (graph,) = model.subgraphs
    for operator in graph.operators:
        if operator_name(model, operator) == "MIRROR_PAD" and int(operator.inputs[0]) == int(graph.inputs[0]):
            operator.builtinOptions.mode = schema.MirrorPadMode.SYMMETRIC


def _is_input_resize(node: onnx.NodeProto, model: onnx.ModelProto) -> bool:
    return node.op_type == "Resize" and node.input[0] == model.graph.input[0].name


def _phase_filters(scale: int) -> NDArray[np.float32]:
    """(3*scale*scale,3,3,3): for every channel and phase the mix of a pixel and its neighbours."""
    taps = np.zeros((scale, 3), dtype=np.float32)
    for phase in range(scale):
        offset = (phase + 0.5) / scale - 0.5
        taps[phase, 1] = 1 - abs(offset)
        taps[phase, 0 if offset < 0 else 2] = abs(offset)
    filters = np.einsum("iy,jx->ijyx", taps, taps).reshape(scale * scale, 3, 3)
    weights = np.zeros((_CHANNELS, scale * scale, _CHANNELS, 3, 3), dtype=np.float32)
    for channel in range(_CHANNELS):
        weights[channel, :, channel] = filters
    return weights.reshape(-1, _CHANNELS, 3, 3)

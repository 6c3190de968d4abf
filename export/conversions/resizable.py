"""A TFLite tile graph whose size its runtime can set: bilinear upsampling as a convolution and a depth-to-space.

RESIZE_BILINEAR has its output size baked in, so that a resized file would compute another function. Each of the s*s
phases of bilinear upsampling is a fixed 3x3 filter of the LR image, whose border is repeated; the weights are multiples
of 1/64 at x4, so that the sums are exact for 8-bit images.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgesr.export.graphs.onnx_graph import constant, constants, copied, fingerprint, input_channels, is_close
from edgesr.export.graphs.tflite_graph import constant_values, operator_name

_BILINEAR = {
    "mode": (b"linear",),
    "coordinate_transformation_mode": (b"half_pixel", b"pytorch_half_pixel"),
    "antialias": (0,),
    "exclude_outside": (0,),
    "keep_aspect_ratio_policy": (b"stretch",),
}
"""Values of a Resize's attributes that are bilinear upsampling as PyTorch has it."""
_DEFAULTS = {"mode": b"nearest", "coordinate_transformation_mode": b"half_pixel"}


def upsample_by_convolution(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which every bilinear Resize of the graph's input is Pad, Conv and DepthToSpace.

    The Pad says "reflect", since the converter knows no other: `repeat_border` makes it repeat the border afterwards.
    """
    result = copied(model)
    channels = input_channels(model)
    scales = _input_scales(model)
    for resize in [node for node in result.graph.node if node.output[0] in scales]:
        place, scale = list(result.graph.node).index(resize), scales[resize.output[0]]
        name = f"{resize.output[0]}.upsample"
        pads = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)
        weights = _phase_filters(scale, channels)
        result.graph.initializer.append(numpy_helper.from_array(pads, f"{name}.pads"))
        result.graph.initializer.append(numpy_helper.from_array(weights, f"{name}.weight"))
        replacement = (
            helper.make_node("Pad", [resize.input[0], f"{name}.pads"], [f"{name}.padded"], mode="reflect"),
            helper.make_node("Conv", [f"{name}.padded", f"{name}.weight"], [f"{name}.phases"], kernel_shape=[3, 3]),
            helper.make_node("DepthToSpace", [f"{name}.phases"], [resize.output[0]], blocksize=scale, mode="CRD"),
        )
        result.graph.node.remove(resize)
        for offset, node in enumerate(replacement):
            result.graph.node.insert(place + offset, node)
    return result


def upsamples_input(model: onnx.ModelProto) -> bool:
    """Whether a graph upsamples its input bilinearly."""
    return bool(_input_scales(model))


def repeat_border(model: Any) -> None:
    """Make the mirror pad in front of bilinear phases repeat the border: with one pixel that is SYMMETRIC.

    A pad that a network's own convolution reads too stays what it is: the phases get one of their own.
    """
    (graph,) = model.subgraphs
    for phases in [operator for operator in graph.operators if operator_name(model, operator) == "CONV_2D"]:
        pad = next((op for op in graph.operators if int(op.outputs[0]) == int(phases.inputs[0])), None)
        if pad is None or operator_name(model, pad) != "MIRROR_PAD" or not _is_phases(model, pad, phases):
            continue
        if sum(int(index) == int(pad.outputs[0]) for op in graph.operators for index in op.inputs) > 1:
            pad = _own_pad(graph, pad, phases)
        pad.builtinOptions.mode = schema.MirrorPadMode.SYMMETRIC


def _own_pad(graph: Any, pad: Any, phases: Any) -> Any:
    tensor, result = copy.copy(graph.tensors[pad.outputs[0]]), copy.deepcopy(pad)
    tensor.name = f"{tensor.name.decode()}.upsample".encode()
    graph.tensors.append(tensor)
    result.outputs = [len(graph.tensors) - 1]
    phases.inputs = [len(graph.tensors) - 1, *phases.inputs[1:]]
    graph.operators.insert(graph.operators.index(pad), result)
    return result


def _is_phases(model: Any, pad: Any, operator: Any) -> bool:
    """Whether a convolution of the padded input has the filters of bilinear phases, up to a factor."""
    weights = constant_values(model, operator.inputs[1])
    outputs, channels = weights.shape[0], weights.shape[3]
    scale = round((outputs / channels) ** 0.5)
    if int(pad.inputs[0]) != int(model.subgraphs[0].inputs[0]) or weights.shape[1:3] != (3, 3):
        return False
    return outputs == channels * scale**2 and is_close(
        fingerprint(weights), fingerprint(_phase_filters(scale, channels))
    )


def _input_scales(model: onnx.ModelProto) -> dict[str, int]:
    """Output of every bilinear Resize of the graph's input -> its factor, which is whole and that of both sides."""
    known = constants(model)
    found = {}
    for node in model.graph.node:
        if node.op_type == "Resize" and node.input[0] == model.graph.input[0].name and _is_bilinear(node):
            factors = constant(model, node.input[2]) if len(node.input) > 2 and node.input[2] in known else np.ones(0)
            scale = int(factors[-1])
            if scale > 1 and factors.tolist() == [1, 1, scale, scale]:
                found[node.output[0]] = scale
    return found


def _is_bilinear(node: onnx.NodeProto) -> bool:
    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return "axes" not in values and all(
        values.get(name, _DEFAULTS.get(name, allowed[0])) in allowed for name, allowed in _BILINEAR.items()
    )


def _phase_filters(scale: int, channels: int) -> NDArray[np.float32]:
    """(c*scale*scale,c,3,3): for every channel and phase the mix of a pixel and its neighbours."""
    taps = np.zeros((scale, 3), dtype=np.float32)
    for phase in range(scale):
        offset = (phase + 0.5) / scale - 0.5
        taps[phase, 1] = 1 - abs(offset)
        taps[phase, 0 if offset < 0 else 2] = abs(offset)
    filters = np.einsum("iy,jx->ijyx", taps, taps).reshape(scale * scale, 3, 3)
    weights = np.zeros((channels, scale * scale, channels, 3, 3), dtype=np.float32)
    for channel in range(channels):
        weights[channel, :, channel] = filters
    return weights.reshape(-1, channels, 3, 3)

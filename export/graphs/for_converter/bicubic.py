"""Bicubic upsampling by a whole factor as a convolution, for runtimes that have no operator for it.

Each of the s*s phases of an upsampled image is a fixed 5x5 filter of the image, whose border is repeated twice.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgesr.export.graphs.onnx_graph import copied, tensor_shapes
from edgesr.runtimes.glue.bicubic import REACH, phase_taps

_HALF_PIXEL = (b"half_pixel", b"pytorch_half_pixel")


def cubic_by_convolution(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a graph of fixed sizes in which bicubic upsampling by a whole factor is Gather, Conv, DepthToSpace."""
    result = copied(model)
    shapes = tensor_shapes(model)
    for resize in [node for node in result.graph.node if _is_cubic(node)]:
        source, target = shapes.get(resize.input[0]), shapes.get(resize.output[0])
        if source is None or target is None or not _is_whole_factor(source, target):
            continue
        _replace(result, resize, source, target[2] // source[2])
    return result


def _is_cubic(node: onnx.NodeProto) -> bool:
    """Whether it is bicubic interpolation as PyTorch has it."""
    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    plain = not values.get("antialias", 0) and not values.get("exclude_outside", 0) and "axes" not in values
    centred = values.get("coordinate_transformation_mode", _HALF_PIXEL[0]) in _HALF_PIXEL
    return node.op_type == "Resize" and values.get("mode") == b"cubic" and plain and centred


def _is_whole_factor(source: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether height and width grow by the same whole factor above 1."""
    scale = target[2] // source[2]
    return scale > 1 and target == (*source[:2], source[2] * scale, source[3] * scale)


def _replace(model: onnx.ModelProto, resize: onnx.NodeProto, source: tuple[int, ...], scale: int) -> None:
    """Put the phases of an image (1,c,h,w) in the place of a node."""
    name, channels = f"{resize.output[0]}.cubic", source[1]
    a = next((attribute.f for attribute in resize.attribute if attribute.name == "cubic_coeff_a"), -0.75)
    taps = phase_taps(scale, a)
    phases = np.einsum("iy,jx->ijyx", taps, taps).reshape(scale * scale, *taps.shape[1:], taps.shape[1])
    weights = np.zeros((channels, scale * scale, channels, *phases.shape[1:]), dtype=np.float32)
    for channel in range(channels):
        weights[channel, :, channel] = phases
    new = [numpy_helper.from_array(weights.reshape(-1, *weights.shape[2:]), f"{name}.weight")]
    tensor, nodes = resize.input[0], []
    for axis in (2, 3):
        places = np.clip(np.arange(-REACH, source[axis] + REACH), 0, source[axis] - 1)
        new.append(numpy_helper.from_array(places.astype(np.int64), f"{name}.places{axis}"))
        nodes.append(helper.make_node("Gather", [tensor, new[-1].name], [f"{name}.repeated{axis}"], axis=axis))
        tensor = f"{name}.repeated{axis}"
    conv = helper.make_node("Conv", [tensor, new[0].name], [f"{name}.phases"])
    shuffle = helper.make_node("DepthToSpace", [f"{name}.phases"], [resize.output[0]], blocksize=scale, mode="CRD")
    place = list(model.graph.node).index(resize)
    model.graph.node.remove(resize)
    for offset, node in enumerate((*nodes, conv, shuffle)):
        model.graph.node.insert(place + offset, node)
    model.graph.initializer.extend(new)

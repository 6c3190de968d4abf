"""Ranges of those tensors that are the picture itself, or differ from it by constants alone."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from edgesr.export.graphs.onnx_graph import constants, image_nodes
from edgesr.export.graphs.operators import ADD, DEPTH_TO_SPACE
from edgesr.export.quantization.plan import Range

_MOVES = (DEPTH_TO_SPACE, "Identity", "Reshape", "Transpose")
_BLACK_AND_WHITE = (0.0, 255.0)


def picture_ranges(model: onnx.ModelProto) -> dict[str, Range]:
    """Ranges of the output of a tile graph that gives the picture, and of what becomes it by moves and constants.

    What lies outside is clipped in the picture, so that no step is spent on it; black and white are always inside.
    """
    ends = {model.graph.output[0].name: _BLACK_AND_WHITE}
    for node in reversed(image_nodes(model)):
        if node.output[0] in ends and (source := _before(model, node, ends[node.output[0]])) is not None:
            ends[node.input[source[0]]] = source[1]
    return {name: (min(low, 0.0), max(high, 0.0)) for name, (low, high) in ends.items()}


def _before(model: onnx.ModelProto, node: onnx.NodeProto, ends: Range) -> tuple[int, Range] | None:
    """The input from which a node makes values between these ends, and that input's ends; None if that is not known."""
    if node.op_type in _MOVES:
        return 0, ends
    known = constants(model)
    fixed = [place for place, name in enumerate(node.input) if name in known]
    if node.op_type not in (ADD, "Sub", "Mul", "Div") or len(fixed) != 1:
        return None
    values, place = numpy_helper.to_array(known[node.input[fixed[0]]]).astype(np.float64), 1 - fixed[0]
    if node.op_type == ADD:
        return place, _around(*(end - values for end in ends))
    if node.op_type == "Mul" and (values != 0).all():
        return place, _around(*(end / values for end in ends))
    if place == 0 and node.op_type in ("Sub", "Div"):
        return place, _around(*(end + values if node.op_type == "Sub" else end * values for end in ends))
    return None


def _around(*found: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Range:
    return min(float(ends.min()) for ends in found), max(float(ends.max()) for ends in found)

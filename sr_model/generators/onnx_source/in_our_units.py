"""The graph of a network -> one that speaks our units: [0,255], any size from the least side on.

The same as `foreign.units.InOurUnits`, in operators of ONNX.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.onnx_source.graph_edits import copied, free_names, nodes_of

IMAGE, PICTURE = "lr", "residual"
_LARGEST = 255.0
_ROWS, _COLUMNS = 2, 3


def in_our_units(model: onnx.ModelProto, contract: Contract) -> onnx.ModelProto:
    """LR (1,c,h,w) in [0,255], ``lr`` -> the picture (1,c,s*h,s*w) before it is clipped, ``residual``."""
    result = copied(model)
    graph = result.graph
    around = _Around(_unused_prefix(result))
    image, picture = around.name("x"), around.name("y")
    ours = {name: f"{name}.of_file" for name in (IMAGE, PICTURE)}
    free_names(graph, ours | {graph.input[0].name: image, graph.output[0].name: picture})
    x, multiple = IMAGE, contract.multiple
    height, width = (around.side(IMAGE, axis) for axis in (_ROWS, _COLUMNS))
    if contract.peak != _LARGEST:
        x = around.add("Mul", x, around.constant(np.float32(contract.peak / _LARGEST)))
    if multiple > 1:
        x = around.extended(around.extended(x, _ROWS, height, multiple), _COLUMNS, width, multiple)
    around.node("Identity", [x], image)
    before = around.taken()
    y = picture
    if multiple > 1:
        y = around.cut(around.cut(y, _ROWS, height, contract.scale), _COLUMNS, width, contract.scale)
    if contract.peak != _LARGEST:
        y = around.add("Mul", y, around.constant(np.float32(_LARGEST / contract.peak)))
    around.node("Identity", [y], PICTURE)
    inner = copied(result).graph.node
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend([*before, *inner, *around.taken()])
    graph.initializer.extend(around.constants)
    graph.input.append(_value(IMAGE, contract.channels, ("height", "width")))
    graph.output.append(_value(PICTURE, contract.channels, ("picture_height", "picture_width")))
    return result


def clipped(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The full graph of a wrapped one: its picture, clipped to [0,255], as output ``name``."""
    result = copied(model)
    graph, prefix = result.graph, _unused_prefix(result)
    free_names(graph, {name: f"{name}.of_file"})
    bounds = [f"{prefix}.least", f"{prefix}.largest"]
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value, dtype=np.float32), bound)
        for bound, value in zip(bounds, (0, _LARGEST), strict=True)
    )
    graph.node.append(helper.make_node("Clip", [graph.output[0].name, *bounds], [name]))
    graph.output[0].name = name
    return result


def _value(name: str, channels: int, sides: Sequence[str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, channels, *sides))


def _unused_prefix(model: onnx.ModelProto) -> str:
    names = {name for node in nodes_of(model.graph) for name in (*node.input, *node.output)}
    prefix = "edgesr"
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    return prefix


class _Around:
    """Nodes around a network's own, and their constants."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._nodes: list[NodeProto] = []
        self._count = 0
        self.constants: list[TensorProto] = []

    def name(self, name: str) -> str:
        return f"{self._prefix}.{name}"

    def taken(self) -> list[NodeProto]:
        """The nodes since the last call."""
        nodes, self._nodes = self._nodes, []
        return nodes

    def constant(self, value: np.generic) -> str:
        self._count += 1
        self.constants.append(numpy_helper.from_array(np.asarray(value), self.name(str(self._count))))
        return self.constants[-1].name

    def whole(self, value: int) -> str:
        return self.constant(np.int64(value))

    def node(self, kind: str, inputs: Sequence[str], output: str) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output))
        return output

    def add(self, kind: str, *inputs: str) -> str:
        self._count += 1
        return self.node(kind, inputs, self.name(str(self._count)))

    def gather(self, x: str, index: str, axis: int) -> str:
        result = self.add("Gather", x, index)
        self._nodes[-1].attribute.append(helper.make_attribute("axis", axis))
        return result

    def side(self, x: str, axis: int) -> str:
        """Rows or columns of an image, a whole number."""
        return self.gather(self.add("Shape", x), self.whole(axis), 0)

    def extended(self, x: str, axis: int, side: str, multiple: int) -> str:
        """An image whose side is the next multiple, by reflection at its end."""
        missing = self.add("Mod", self.add("Neg", side), self.whole(multiple))
        index = self._up_to(self.add("Add", side, missing))
        twice_last = self.add("Mul", self.add("Sub", side, self.whole(1)), self.whole(2))
        mirrored = self.add("Sub", twice_last, index)
        place = self.add("Where", self.add("Less", index, side), index, mirrored)
        return self.gather(x, place, axis)

    def cut(self, y: str, axis: int, side: str, scale: int) -> str:
        """The rows or columns of a picture that an image's own make."""
        return self.gather(y, self._up_to(self.add("Mul", side, self.whole(scale))), axis)

    def _up_to(self, end: str) -> str:
        return self.add("Range", self.whole(0), end, self.whole(1))

"""Layers of matrices over the channels of pixels (1,h,w,c), as convolutions of 1x1 over (1,c,h,w).

onnx2tf tells the side of the channels by its length. Of as many channels as the image is high and wide, 96 of a tile of
96x96 say, it takes another side on the way from pixels to rows, and says nothing. Transposes begin and end such a part
of a graph: it is written on planes where all that lies between can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgesr.export.graphs.onnx_graph import (
    constants,
    copied,
    data_inputs,
    is_set,
    live_nodes,
    output_axis,
    tensor_shapes,
)
from edgesr.export.graphs.operators import CONCAT, CONVOLUTION, GEMM, MATRIX_PRODUCT
from edgesr.runtimes.bundle.manifest import Size

_TO_PIXELS, _TO_PLANES = [0, 2, 3, 1], [0, 3, 1, 2]
_OF_ONE = ("Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Relu", "Sigmoid", "Softplus", "Tanh")
_OF_TWO = ("Add", "Div", "Mul", "Sub")
_LAYERS = (GEMM, MATRIX_PRODUCT)


def use_channels_first(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a graph of fixed sizes in which parts on pixels, between two Transposes, are on planes."""
    found = _found(model)
    if not any(node.op_type in _LAYERS and node.output[0] in found for node in model.graph.node):
        return model
    rewriting = _Rewriting(copied(model), found)
    rewriting.run()
    inferred: onnx.ModelProto = onnx.shape_inference.infer_shapes(rewriting.model)
    return inferred


def _found(model: onnx.ModelProto) -> dict[str, Size]:
    """Tensors on pixels, as rows or (1,h,w,c), that all of their readers can take as planes, and their heights and
    widths."""
    shapes, known = tensor_shapes(model), constants(model)
    sizes: dict[str, Size] = {}
    for node in model.graph.node:
        if (size := _size(node, sizes, shapes, known)) is not None:
            sizes[node.output[0]] = size
    while left := set(_not_whole(model, sizes)):
        sizes = {name: size for name, size in sizes.items() if name not in left}
    return sizes


def _size(
    node: onnx.NodeProto,
    sizes: Mapping[str, Size],
    shapes: Mapping[str, tuple[int, ...]],
    known: Mapping[str, onnx.TensorProto],
) -> Size | None:
    """Height and width of the pixels that a node gives; None where it gives none, or cannot give them as planes."""
    shape, given = shapes.get(node.output[0], ()), data_inputs(node, known)
    if _is_transpose(node, _TO_PIXELS):
        return (shape[1], shape[2]) if len(shape) == 4 and shape[0] == 1 and all(shape) else None
    if not given or any(name not in sizes for name in given) or len({sizes[name] for name in given}) > 1:
        return None
    height, width = size = sizes[given[0]]
    channels = shape[-1] if shape else 0
    if shape not in ((1, height, width, channels), (height * width, channels)):
        return None
    return size if _goes_by_channels(node, [shapes[name] for name in given], shape, known) else None


def _goes_by_channels(
    node: onnx.NodeProto,
    given: list[tuple[int, ...]],
    shape: tuple[int, ...],
    known: Mapping[str, onnx.TensorProto],
) -> bool:
    """Whether a node computes the channels of every pixel from those of the same one, in a way that planes have."""
    sides = [tuple(known[name].dims) for name in node.input if name in known]
    if node.op_type == "Reshape":
        return given[0][-1] == shape[-1]
    if node.op_type in _LAYERS:
        plain = all(attribute.f == 1 for attribute in node.attribute if attribute.name in ("alpha", "beta"))
        fixed = len(given) == 1 and node.input[0] not in known and len(sides) == len(node.input) - 1
        return plain and fixed and not is_set(node, "transA") and [len(side) for side in sides] in ([2], [2, 1])
    if node.op_type == CONCAT:
        axis = next(attribute.i for attribute in node.attribute if attribute.name == "axis")
        return not sides and axis in (-1, len(shape) - 1)
    if node.op_type in _OF_TWO:
        by_channel = all(np.prod(side) in (1, *side[-1:]) and len(side) <= len(shape) for side in sides)
        return by_channel and all(len(other) == len(shape) for other in given)
    return node.op_type in _OF_ONE and not sides


def _not_whole(model: onnx.ModelProto, sizes: Mapping[str, Size]) -> Iterator[str]:
    """Tensors that a reader needs as pixels, or whose node is no longer given planes."""
    for node in model.graph.node:
        mine = [name for name in node.input if name in sizes]
        if node.output[0] in sizes:
            others = [] if _is_transpose(node, _TO_PIXELS) else data_inputs(node, constants(model))
            if any(name not in sizes for name in others):
                yield node.output[0]
        elif not _is_transpose(node, _TO_PLANES) or node.output[0] == model.graph.output[0].name:
            yield from mine
    yield from (output.name for output in model.graph.output if output.name in sizes)


def _is_transpose(node: onnx.NodeProto, order: list[int]) -> bool:
    return node.op_type == "Transpose" and any(list(attribute.ints) == order for attribute in node.attribute)


@dataclass
class _Rewriting:
    """``planes``: a tensor on pixels, or behind the Transpose that ends them, -> the one on planes (1,c,h,w)."""

    model: onnx.ModelProto
    found: Mapping[str, Size]
    planes: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Replace the nodes of the model."""
        nodes = []
        for node in self.model.graph.node:
            if node.output[0] in self.found:
                nodes += self._on_planes(node)
            elif node.input and node.input[0] in self.found:
                self.planes[node.output[0]] = self.planes[node.input[0]]
            else:
                node.input[:] = [self.planes.get(name, name) for name in node.input]
                nodes.append(node)
        kept = live_nodes(nodes, [self.model.graph.output[0].name])
        del self.model.graph.node[:], self.model.graph.value_info[:]
        self.model.graph.node.extend(kept)

    def _on_planes(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """The node on planes; none for one that only orders values otherwise."""
        inputs = [self.planes.get(name, name) for name in node.input]
        if node.op_type in ("Transpose", "Reshape"):
            self.planes[node.output[0]] = inputs[0]
            return []
        name = self.planes[node.output[0]] = f"{node.output[0]}.planes"
        if node.op_type in _LAYERS:
            kernels = [self._kernels(node), *node.input[2:]]
            return [helper.make_node(CONVOLUTION, [inputs[0], *kernels], [name], name=node.name, kernel_shape=[1, 1])]
        made = onnx.NodeProto()
        made.CopyFrom(node)
        known = constants(self.model)
        made.input[:] = [self._by_channel(known[other]) if other in known else other for other in inputs]
        made.output[:] = [name]
        for attribute in made.attribute:
            if node.op_type == CONCAT and attribute.name == "axis":
                attribute.i = 1
        return [made]

    def _kernels(self, node: onnx.NodeProto) -> str:
        """Name of a matrix as kernels (o,i,1,1)."""
        matrix = numpy_helper.to_array(constants(self.model)[node.input[1]])
        rows = matrix if output_axis(node) == 0 else matrix.T
        return self._constant(f"{node.output[0]}.kernels", np.ascontiguousarray(rows)[:, :, None, None])

    def _by_channel(self, tensor: onnx.TensorProto) -> str:
        """Name of a number or of one value a channel as (1,c,1,1)."""
        return self._constant(f"{tensor.name}.by_channel", numpy_helper.to_array(tensor).reshape(1, -1, 1, 1))

    def _constant(self, name: str, values: np.ndarray) -> str:
        if name not in constants(self.model):
            self.model.graph.initializer.append(numpy_helper.from_array(values, name))
        return name

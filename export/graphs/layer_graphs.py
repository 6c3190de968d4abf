"""ONNX and TFLite graphs in one form, and what is known of their tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from edgesr.export.graphs.operators import CONVOLUTION, LINEAR, LOOKED_THROUGH, SLICE
from edgesr.runtimes.arrays import FloatArray

_NOT_COMPARED = (*LOOKED_THROUGH, SLICE, "Gather")
"""Parts of tensors that are compared as a whole, too."""
_INPUT = "input"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operator and those of its tensors that are computed from the graph's input.

    ``kind`` is one of `operators`. ``weight_shape``: (out,in,kh,kw) of a convolution, the sides of a matrix in order of
    size, None of what has no weights; ``activation`` is fused into it. ``place`` of a Slice: its number among those of
    its tensor. ``block_size`` of a DepthToSpace, ``block_major`` when its channels are in DCR order.
    ``layer`` is the network's name of a layer with weights, "" where the graph does not tell.
    """

    kind: str
    inputs: tuple[str, ...]
    output: str
    weight_shape: tuple[int, ...] | None = None
    activation: str | None = None
    place: int = 0
    block_size: int = 0
    block_major: bool = False
    layer: str = ""

    @property
    def function(self) -> tuple[str, tuple[int, ...] | None]:
        """The kind of an operation and the shape of its weights: those of a matrix for a convolution of 1x1, which
        is one.
        """
        shape = self.weight_shape
        if self.kind == CONVOLUTION and shape is not None and shape[2:] == (1, 1):
            return LINEAR, tuple(sorted(shape[:2]))
        return self.kind, shape


@dataclass(frozen=True)
class LayerGraph:
    """Names of the input and output tensor, and the operations in between in an order in which they can run."""

    source: str
    output: str
    operations: tuple[Operation, ...]

    def users(self, tensor: str) -> list[Operation]:
        """The operations that read a tensor."""
        return [operation for operation in self.operations if tensor in operation.inputs]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A tensor of the float32 ONNX graph that is compared: its name, its operator and the network's layer.

    ``layer`` is the name of the layer with weights, or of the last one before an operator without.
    """

    tensor: str
    layer: str
    operator: str


@dataclass
class Match:
    """Tensor of the reference -> tensor of the graph with the same values.

    ``operations``: output of an operation of the graph -> output of the same operation of the reference, which is
    another tensor where an activation is fused. ``block_major``: tensors of the reference (c*b*b,h,w) whose channels
    the graph has in DCR order -> b. ``others``: tensor of the reference -> further ones of the graph that have its
    values before or behind constants, which one of both graphs may have folded into weights, or in another order.
    ``doubtful``: tensors of the reference whose readers the graph has in pieces, so that constants of these may be in
    the weights of what gives the tensor; or quantized in the range of a ReLU that reads them.
    """

    tensors: dict[str, str] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)
    block_major: dict[str, int] = field(default_factory=dict)
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)

    def candidates(self, name: str) -> tuple[str, ...]:
        """The graph's tensor of one of the reference, and then the others."""
        return tuple(dict.fromkeys((self.tensors[name], *self.others.get(name, ()))))


@dataclass(frozen=True)
class LayerTensors:
    """Names of tensors (those of the reference), and a reader of their values (c,h,w), without an axis of images.

    It gives the tensor that carries a layer's values on, and then the `Match.others`. ``doubtful``: `Match.doubtful`.
    """

    names: frozenset[str]
    read: Callable[[str], tuple[FloatArray, ...]]
    doubtful: frozenset[str] = frozenset()


class LayeredFile(Protocol):
    """A file whose inner tensors can be read."""

    @property
    def graph(self) -> LayerGraph:
        """Its operations."""

    def tensors(self, match: Match, image: FloatArray, *, exact: bool) -> LayerTensors:
        """The matched tensors on an LR image (3,h,w), in exact arithmetic where the runtime leaves the choice."""


def layers_of(reference: LayerGraph) -> list[Layer]:
    """The layers of a graph in its order; a nameless one goes by its output."""
    layer_of, order = {reference.source: _INPUT}, {_INPUT: 0}
    found, end = [], _looked_through(reference.operations, reference.output)
    for operation in reference.operations:
        before = [layer_of[name] for name in operation.inputs if name in layer_of]
        layer = max(before, key=lambda name: order[name], default=_INPUT)
        if operation.weight_shape is not None:
            layer = operation.layer or operation.output
            order[layer] = len(order)
        layer_of[operation.output] = layer
        if operation.kind not in _NOT_COMPARED or operation.output == end:
            found.append(Layer(tensor=operation.output, layer=layer, operator=operation.kind))
    return found


def _looked_through(operations: Sequence[Operation], tensor: str) -> str:
    """The tensor behind which a tensor is only looked through."""
    producers = {op.output: op.inputs[0] for op in operations if op.kind in LOOKED_THROUGH}
    while tensor in producers:
        tensor = producers[tensor]
    return tensor


def number_slices(operations: Sequence[Operation], begins: Mapping[str, tuple[int, ...]]) -> tuple[Operation, ...]:
    """Operations whose slices have their places: in the order of ``begins`` (by output) among those of one tensor."""
    cut = {op.output: _looked_through(operations, op.inputs[0]) for op in operations if op.output in begins}
    places = {
        output: sorted(begins[other] for other in cut if cut[other] == source).index(begins[output])
        for output, source in cut.items()
    }
    return tuple(replace(op, place=places[op.output]) if op.output in places else op for op in operations)

"""ONNX and TFLite graphs in one form, and which tensors of a rewritten graph are those of the float32 ONNX tile graph.

Matched by structure alone: an operator of the same kind on the same tensors, a convolution with weights of the same
shape too. Weights and names do not count, so that a file with a wrong weight, or with quantized ones, is matched as any
other. What rewrites add, leave out or fold into weights is looked through: quantization, casts, pads, constant factors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edgesr.export.graphs.operators import (
    ACTIVATIONS,
    ADD,
    CONVOLUTION,
    DEPTH_TO_SPACE,
    DEQUANTIZE,
    LOOKED_THROUGH,
    QUANTIZE,
    RESIZE,
    SCALE,
)
from edgesr.export.graphs.walk import needed_for
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError

_COMPARED = (CONVOLUTION, ADD, *ACTIVATIONS, DEPTH_TO_SPACE, RESIZE)
_INPUT = "input"

_Key = tuple[str, tuple[int, ...] | None, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operator and those of its tensors that are computed from the graph's input.

    ``kind`` is one of `operators`. ``weight_shape`` (out,in,kh,kw) of a convolution; ``activation``
    is fused into it; ``block_size`` of a DepthToSpace, ``block_major`` when its channels are in DCR order.
    ``layer`` is the network's name of a convolution, "" where the graph does not tell.
    """

    kind: str
    inputs: tuple[str, ...]
    output: str
    weight_shape: tuple[int, ...] | None = None
    activation: str | None = None
    block_size: int = 0
    block_major: bool = False
    layer: str = ""


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
    """A tensor of the float32 ONNX tile graph that is compared: its name, its operator and the network's layer.

    ``layer`` is the name of the convolution, or of the last one before an operator without weights.
    """

    tensor: str
    layer: str
    operator: str


@dataclass
class Match:
    """Tensor of the reference -> tensor of the graph with the same values.

    ``operations``: output of an operation of the graph -> output of the same operation of the reference, which is
    another tensor where an activation is fused. ``block_major``: tensors of the reference (c*b*b,h,w) whose channels
    the graph has in DCR order -> b.
    """

    tensors: dict[str, str] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)
    block_major: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerTensors:
    """Names of tensors (those of the reference), and a reader of their values (c,h,w)."""

    names: frozenset[str]
    read: Callable[[str], FloatArray]


class LayeredFile(Protocol):
    """A file whose inner tensors can be read."""

    @property
    def graph(self) -> LayerGraph:
        """Its operations."""

    def tensors(self, match: Match, image: FloatArray, *, exact: bool) -> LayerTensors:
        """The matched tensors on an LR image (3,h,w), in exact arithmetic where the runtime leaves the choice."""


def layers_of(reference: LayerGraph) -> list[Layer]:
    """The layers of the tile graph in its order; a nameless one goes by its output."""
    layer_of, order = {reference.source: _INPUT}, {_INPUT: 0}
    found = []
    for operation in reference.operations:
        before = [layer_of[name] for name in operation.inputs if name in layer_of]
        layer = max(before, key=lambda name: order[name], default=_INPUT)
        if operation.kind == CONVOLUTION:
            layer = operation.layer or operation.output
            order[layer] = len(order)
        layer_of[operation.output] = layer
        if operation.kind in _COMPARED:
            found.append(Layer(tensor=operation.output, layer=layer, operator=operation.kind))
    return found


def match_layers(graph: LayerGraph, reference: LayerGraph) -> Match:
    """Which tensors of a tile graph, or of a full graph with the same body, are those of the float32 ONNX tile graph.

    An EdgesrError when the reference's output is not among them: then the body could not be followed to its end.
    """
    known, roots = _index(reference)
    found, end = _follow(graph, known, reference), roots[reference.output]
    if end not in found.tensors:
        last = list(found.tensors)[-1] if found.tensors else "the input"
        raise EdgesrError(
            f"the graph is not that of the float32 ONNX tile graph: after {last} no operator is the same; "
            "export both artifacts from one checkpoint; layers of a network of your own cannot always be followed, "
            "edgesr parity compares its pictures"
        )
    body = _body(graph, found.tensors[end])
    found = _follow(body, known, reference)
    found.tensors = {root: _carrier(body, tensor) for root, tensor in found.tensors.items()}
    return found


def _body(graph: LayerGraph, end: str) -> LayerGraph:
    """The operations that a tensor is computed from, and what is looked through: a full graph may upsample twice."""
    needed = needed_for([end], {operation.output: operation.inputs for operation in graph.operations})
    kept = tuple(op for op in graph.operations if op.output in needed or op.kind in LOOKED_THROUGH)
    return LayerGraph(graph.source, graph.output, kept)


def _index(reference: LayerGraph) -> tuple[dict[_Key, list[Operation]], dict[str, str]]:
    """Operations of the reference by kind, weights and inputs; every tensor -> the one it is looked through to."""
    roots = {reference.source: reference.source}
    known: dict[_Key, list[Operation]] = {}
    for operation in reference.operations:
        if operation.kind in LOOKED_THROUGH:
            roots[operation.output] = roots[operation.inputs[0]]
            continue
        roots[operation.output] = operation.output
        inputs = [roots[name] for name in operation.inputs]
        known.setdefault(_key(operation.kind, operation.weight_shape, inputs), []).append(operation)
    return known, roots


def _follow(graph: LayerGraph, known: dict[_Key, list[Operation]], reference: LayerGraph) -> Match:
    roots, match = {graph.source: reference.source}, Match()
    resize = known.get(_key(RESIZE, None, [reference.source]), [])
    phases: set[str] = set()
    for operation in graph.operations:
        if operation.kind in LOOKED_THROUGH:
            source = operation.inputs[0]
            if source in roots:
                roots[operation.output] = roots[source]
            continue
        inputs = [roots.get(name, "") for name in operation.inputs]
        same = known.get(_key(operation.kind, operation.weight_shape, inputs), [])
        if not same and resize:  # upsampling as a convolution and a DepthToSpace (export/conversions/resizable.py)
            if operation.kind == CONVOLUTION and inputs == [reference.source]:
                phases.add(operation.output)
            elif operation.kind == DEPTH_TO_SPACE and operation.inputs[0] in phases:
                same = resize
        if same:
            chosen = next((op for op in same if op.output not in match.tensors), same[-1])
            if chosen.kind == DEPTH_TO_SPACE and operation.block_major != chosen.block_major:
                match.block_major[inputs[0]] = operation.block_size
            _record(operation, chosen, known, roots, match)
    return match


def _record(
    operation: Operation, same: Operation, known: dict[_Key, list[Operation]], roots: dict[str, str], match: Match
) -> None:
    """An operation is one of the reference; its output is that of the activation after it, where this is fused."""
    output = same.output
    if operation.activation is not None:
        fused = known.get(_key(operation.activation, None, [output]), [])
        if not fused:
            return
        output = fused[0].output
    roots[operation.output] = output
    match.tensors[output] = operation.output
    match.operations[operation.output] = same.output


def _carrier(graph: LayerGraph, tensor: str) -> str:
    """The tensor that carries a layer's values on: the quantized form where all read that, behind constant factors."""
    result = current = tensor
    while True:
        users = graph.users(current)
        kinds = {user.kind for user in users}
        if len(kinds) != 1 or not kinds <= {QUANTIZE, DEQUANTIZE, SCALE}:
            return result
        current = users[0].output
        if kinds != {DEQUANTIZE}:
            result = current


def _key(kind: str, weight_shape: Sequence[int] | None, inputs: Sequence[str]) -> _Key:
    return kind, None if weight_shape is None else tuple(weight_shape), tuple(sorted(inputs))

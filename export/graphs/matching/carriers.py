"""The choice of the tensor that is compared, among those that carry a layer's values."""

from __future__ import annotations

from collections.abc import Mapping

from edgesr.export.graphs.layer_graphs import LayerGraph, Operation
from edgesr.export.graphs.operators import (
    CLIP,
    DEQUANTIZE,
    LOOKED_THROUGH,
    PAD,
    QUANTIZE,
    SCALE,
    SHIFT,
    TRANSPOSED_CONVOLUTION,
)

_CARRIES_ON = {QUANTIZE, DEQUANTIZE, SCALE, SHIFT}
_FOLDED = (SCALE, SHIFT)
_CLIPS = (CLIP, "Relu")


def carrier(graph: LayerGraph, tensor: str) -> str:
    """The tensor that carries a layer's values on: the quantized form where all read that, behind constants.

    What all that read a transposed convolution cut off is no part of it.
    """
    cut = {PAD} if _kind(graph, tensor) == TRANSPOSED_CONVOLUTION else set()
    result = current = tensor
    while True:
        users = graph.users(current)
        kinds = {user.kind for user in users}
        if len(kinds) != 1 or not kinds <= _CARRIES_ON | cut:
            return result
        current = users[0].output
        if kinds != {DEQUANTIZE}:
            result = current


def equals(graph: LayerGraph, roots: Mapping[str, str], root: str, tensor: str) -> tuple[str, ...]:
    """All tensors of a layer, before and behind constants: converters fold these into some of its readers.

    One of them is a transposed convolution's without what is cut off.
    """
    cut = [PAD] if _kind(graph, tensor) == TRANSPOSED_CONVOLUTION else []
    behind = [op.output for op in graph.operations if op.kind in (*_FOLDED, *cut) and roots.get(op.output) == root]
    return (tensor, *behind)


def is_clipped_by_quantizers(graph: LayerGraph, tensor: str) -> bool:
    """Whether a tensor is carried on in the range of what clips it: quantization takes all beyond away."""
    readers = readers_behind(graph, tensor)
    clipped = bool(readers) and all(reader.kind in _CLIPS for reader in readers)
    return clipped and _kind(graph, carrier(graph, tensor)) == QUANTIZE


def readers_behind(graph: LayerGraph, tensor: str) -> list[Operation]:
    """The operations that read a tensor, behind what is looked through."""
    pending, found = [tensor], []
    while pending:
        for user in graph.users(pending.pop()):
            if user.kind in LOOKED_THROUGH:
                pending.append(user.output)
            else:
                found.append(user)
    return found


def _kind(graph: LayerGraph, tensor: str) -> str:
    return next((operation.kind for operation in graph.operations if operation.output == tensor), "")

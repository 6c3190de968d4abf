"""Places from which two graphs go on alike, behind operators that one of them writes in another way.

A converter writes a layer norm as ten operators, a pixel shuffle as a transpose and a resize as a convolution. Such
pieces have no counterpart; all that is known of their tensors is which known tensors they are computed from, alone. An
operation that reads one of them is the first one of its kind, not yet found, that reads a tensor computed from the same
ones alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edgesr.export.graphs.layer_graphs import Operation
from edgesr.export.graphs.matching.reference import Reference

Sources = frozenset[str]
"""Tensors of the reference that a tensor of another graph is computed from: one where it is that."""


def bridge(
    operation: Operation, sources: Sequence[Sources], reference: Reference, found: Collection[str]
) -> tuple[Operation, list[str]] | None:
    """The operation of the reference that another graph's is, and what it reads in the order of the other's inputs.

    ``sources`` of the inputs; ``found``: outputs of the reference that are taken. None where there is none.
    """
    for candidate in reference.operations:
        if candidate.function != operation.function:
            continue
        if candidate.output not in found:
            paired = _paired(reference.inputs(candidate), sources, reference, found)
            if paired is not None:
                return candidate, paired
    return None


def computed_from(tensor: str, sources: Sources, reference: Reference, found: Collection[str]) -> bool:
    """Whether a tensor of the reference is one of some, or computed from them by operations without weights alone.

    What is ``found`` elsewhere in the other graph is none of its unknown tensors.
    """
    pending, seen = [tensor], set(sources)
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        producer = reference.producers.get(name)
        if producer is None or producer.weight_shape is not None or name in found:
            return False
        seen.add(name)
        pending.extend(reference.inputs(producer))
    return True


def _paired(
    inputs: Sequence[str], sources: Sequence[Sources], reference: Reference, found: Collection[str]
) -> list[str] | None:
    """The tensors that a candidate reads, each at the place of the sources that it is computed from."""
    if len(inputs) != len(sources):
        return None
    left, paired = list(inputs), []
    for known in sources:
        fitting = [name for name in left if computed_from(name, known, reference, found)]
        if not fitting:
            return None
        chosen = next((name for name in fitting if name in known), fitting[0])
        left.remove(chosen)
        paired.append(chosen)
    return paired

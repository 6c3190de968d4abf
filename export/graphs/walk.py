"""The walk through a graph from its ends to what they are computed from, whatever its nodes are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

Tensor = TypeVar("Tensor", str, int)


def needed_for(ends: Iterable[Tensor], inputs: Mapping[Tensor, Iterable[Tensor]]) -> set[Tensor]:
    """The tensors that some are computed from, and these; ``inputs``: what each computed tensor is computed from."""
    pending, found = list(ends), set[Tensor]()
    while pending:
        tensor = pending.pop()
        if tensor not in found:
            found.add(tensor)
            pending.extend(inputs.get(tensor, ()))
    return found

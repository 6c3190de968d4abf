"""A titled table of text, and texts of its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

DASH = "-"
"""A cell without a value."""


@dataclass(frozen=True)
class Table:
    """A titled table; every row has as many cells as there are columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def shape_text(shape: Sequence[int | None]) -> str:
    """1x3x?x? for a shape with dynamic dimensions."""
    return "x".join("?" if side is None else str(side) for side in shape)


def counts_text(names: Sequence[str]) -> str:
    """Names with their counts, most frequent first: "Conv 14, Add 6"."""
    return ", ".join(f"{name} {count}" for name, count in Counter(names).most_common())

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


def without_alike(table: Table) -> tuple[Table, str]:
    """A table without those columns that say the same in every row, and one line of what they say; the first stays."""
    places = range(1, len(table.columns))
    alike = [place for place in places if len({row[place] for row in table.rows}) == 1]
    kept = [place for place in range(len(table.columns)) if place not in alike]
    rows = tuple(tuple(row[place] for place in kept) for row in table.rows)
    said = "; ".join(f"{table.columns[place]}: {table.rows[0][place]}" for place in alike)
    return Table(table.title, tuple(table.columns[place] for place in kept), rows), said


def shape_text(shape: Sequence[int | None]) -> str:
    """1x3x?x? for a shape with dynamic dimensions."""
    return "x".join("?" if side is None else str(side) for side in shape)


def counts_text(names: Sequence[str]) -> str:
    """Names with their counts, most frequent first: "Conv 14, Add 6"."""
    return ", ".join(f"{name} {count}" for name, count in Counter(names).most_common())

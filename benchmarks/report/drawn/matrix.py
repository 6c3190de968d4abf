"""The parity matrix with a shade for each cell."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.benchmarks.parity.check import GoldenParity
from edgesr.benchmarks.parity.results import ParityResult, ParityResults
from edgesr.benchmarks.tables.parity import golden_table, matrix_results

_STEPS_DB = (30.0, 40.0, 50.0, 60.0, 80.0)
LEGEND = ("below 30", "30 to 40", "40 to 50", "50 to 60", "60 to 80", "80 dB or more")


@dataclass(frozen=True)
class Cell:
    """Text of a cell; ``shade`` is 0 (far) to 5 (near), None where the golden does not fit the artifact."""

    text: str
    shade: int | None
    failed: bool


@dataclass(frozen=True)
class Matrix:
    """Column heads after the artifact's, and for each artifact its name and cells."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    legend: tuple[str, ...] = LEGEND


def parity_matrix(results: ParityResults) -> Matrix:
    """The cells of `golden_table`, coloured by PSNR."""
    table = golden_table(results)
    shown = matrix_results(results)
    goldens = tuple(dict.fromkeys(g.golden for r in shown if r.parity for g in r.parity.goldens))
    rows = tuple(
        (row[0], tuple(_cell(text, _golden(result, golden)) for text, golden in zip(row[1:], goldens, strict=True)))
        for row, result in zip(table.rows, shown, strict=True)
    )
    return Matrix(table.title, table.columns[1:], rows)


def shade(golden: GoldenParity) -> int:
    """0 for far from the reference to 5 for near or identical."""
    if golden.psnr_db is None:
        return len(_STEPS_DB) if golden.max_abs_error == 0 else 0
    return sum(golden.psnr_db >= step for step in _STEPS_DB)


def _golden(result: ParityResult, golden: str) -> GoldenParity | None:
    return next((g for g in result.parity.goldens if g.golden == golden), None) if result.parity else None


def _cell(text: str, golden: GoldenParity | None) -> Cell:
    if golden is None:
        return Cell(text, None, False)
    return Cell(text, shade(golden), bool(golden.failures))

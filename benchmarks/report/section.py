"""The parts of a section of a report."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.benchmarks.report.drawn.matrix import Matrix
from edgesr.benchmarks.report.drawn.pictures import Pictures
from edgesr.benchmarks.report.figures import Figure
from edgesr.benchmarks.tables.table import Table


@dataclass(frozen=True)
class Plot:
    """A figure with what it shows in words; ``option`` names it where a section has several to choose from."""

    id: str
    caption: str
    figure: Figure
    option: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """``commands`` give its contents, ``missing`` says what is not there; ``notes`` are lines below the tables.

    ``choice`` is what one chooses where there are several plots.
    """

    id: str
    title: str
    commands: tuple[str, ...]
    missing: str | None = None
    text: str = ""
    plots: tuple[Plot, ...] = ()
    choice: str = ""
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    matrix: Matrix | None = None
    pictures: Pictures | None = None

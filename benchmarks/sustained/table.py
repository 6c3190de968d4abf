"""Sustained measurements as rows of text."""

from __future__ import annotations

from edgesr.benchmarks.results.rows import label_with_threads
from edgesr.benchmarks.sustained.measure import Sustained
from edgesr.benchmarks.sustained.results import SustainedResult, SustainedResults
from edgesr.benchmarks.sustained.windows import Window
from edgesr.benchmarks.tables.not_measured import failures
from edgesr.benchmarks.tables.state import NOT_TOLD, state_table
from edgesr.benchmarks.tables.table import DASH, Table

_COLUMNS = (
    "p50 ms first, last",
    "retention",
    "verdict",
    "MHz first, last",
    "°C first, last",
    "own CPU share, least",
    "mJ a call",
)


def sustained_table(results: SustainedResults) -> Table:
    """One row an artifact and thread count. Retention: calls a second at the end by those at the start."""
    columns = ("artifact", "runtime", "threads", "device", *_COLUMNS)
    title = f"Calls for {results.settings.seconds:g} s, windows of {results.settings.window_seconds:g} s"
    return Table(title, columns, tuple(map(_row, results.results)))


def sustained_states(results: SustainedResults) -> Table:
    """The state of the device during each."""
    return state_table((one.key, one.sustained.state) for one in results.results if one.sustained)


def sustained_notes(results: SustainedResults) -> list[str]:
    """Lines that give the reason of each verdict, the energy or why there is none, and warnings."""
    keys = [one.key for one in results.results]
    named = [(label_with_threads(one.key, keys), one.sustained) for one in results.results if one.sustained]
    verdicts = [f"{name}: {found.verdict}: {found.why}" for name, found in named]
    refusals = dict.fromkeys(found.no_energy for _, found in named if found.no_energy is not None)
    missing = [f"the energy of a call is not known: {reason}" for reason in refusals]
    sources = [
        f"{name}: {found.energy.running_w:.2f} W while it ran, minus {found.energy.idle_w:.2f} W when idle, told by "
        f"{found.energy.sensor}"
        for name, found in named
        if found.energy is not None
    ]
    interrupted = [] if results.complete else ["interrupted: artifacts are missing"]
    return [
        *interrupted,
        *failures(results.results),
        *verdicts,
        *sources,
        *missing,
        *(f"warning: {one}" for one in results.warnings),
    ]


def _row(result: SustainedResult) -> tuple[str, ...]:
    key, found = result.key, result.sustained
    head = (key.artifact, key.engine, str(key.threads), key.device)
    return (*head, *[DASH] * (len(_COLUMNS) - 1), result.status) if found is None else (*head, *_cells(found))


def _cells(found: Sustained) -> tuple[str, ...]:
    first, last = found.windows[0], found.windows[-1]
    return (
        f"{first.p50_ms:.1f}, {last.p50_ms:.1f}",
        NOT_TOLD if found.retention is None else f"{found.retention:.0%}",
        found.verdict,
        _both(first, last, "clock_mhz"),
        _both(first, last, "temperature_c"),
        f"{min(one.own_share for one in found.windows):.0%}",
        NOT_TOLD if found.energy is None else f"{found.energy.mj_per_call:.1f}",
    )


def _both(first: Window, last: Window, name: str) -> str:
    values = [getattr(one, name) for one in (first, last)]
    return NOT_TOLD if None in values else ", ".join(f"{value:.0f}" for value in values)

"""The section on minutes of calls: a plot for each artifact that tells throttling from other processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgesr.benchmarks.report import commands
from edgesr.benchmarks.report.data import ReportData, ReportFiles
from edgesr.benchmarks.report.figures import Figure
from edgesr.benchmarks.report.section import Plot, Section
from edgesr.benchmarks.results.rows import label_with_threads
from edgesr.benchmarks.sustained.measure import Sustained
from edgesr.benchmarks.sustained.results import SustainedResults
from edgesr.benchmarks.sustained.table import sustained_notes, sustained_states, sustained_table
from edgesr.benchmarks.sustained.windows import Window

_TEXT = (
    "The same call is made again and again, and counted in windows of time. If heat slows a device down, the clock "
    "falls, or the calls per second of processor time (CPU second), while the process keeps its cores. If other "
    "processes take its cores, its own share falls, and the calls with it. Clock and calls are in percent of the first "
    "window."
)


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """A line of the plot; the causes are wide and pale, below the lines of the calls."""

    name: str
    colour: str
    dash: str
    width: int
    values: Callable[[Sequence[Window]], list[float | None]]


_LINES = (
    _Drawn(
        name="clock",
        colour="rgba(229,72,77,0.4)",
        dash="solid",
        width=7,
        values=lambda windows: _relative([one.clock_mhz for one in windows]),
    ),
    _Drawn(
        name="own share of its cores",
        colour="rgba(141,141,141,0.4)",
        dash="solid",
        width=7,
        values=lambda windows: [100 * one.own_share for one in windows],
    ),
    _Drawn(
        name="calls a second",
        colour="#4c78d0",
        dash="solid",
        width=2,
        values=lambda windows: _relative([one.calls_per_second for one in windows]),
    ),
    _Drawn(
        name="calls per CPU second",
        colour="#12a594",
        dash="dash",
        width=2,
        values=lambda windows: _relative([one.calls_per_cpu_second for one in windows]),
    ),
)
_HEAT = _Drawn(
    name="temperature",
    colour="#e8932c",
    dash="solid",
    width=2,
    values=lambda windows: [one.temperature_c for one in windows],
)
_HEAT_PART = 0.27
"""Of the height, for temperatures."""


def sustained_section(found: ReportData, files: ReportFiles) -> Section:
    """Retention and verdict of each artifact, with the reason."""
    made_by = (commands.sustained_command(found.bundle.root, files, found.sustained),)
    title = "Sustained speed"
    if found.sustained is None:
        missing = commands.missing_text(found, "Sustained speed", "--sustained")
        return Section(id="sustained", title=title, commands=made_by, missing=missing)
    return Section(
        id="sustained",
        title=title,
        commands=made_by,
        text=_TEXT,
        plots=_plots(found.sustained),
        choice="Artifact",
        tables=(sustained_table(found.sustained), sustained_states(found.sustained)),
        notes=tuple(sustained_notes(found.sustained)),
    )


def _plots(results: SustainedResults) -> tuple[Plot, ...]:
    keys = [one.key for one in results.results]
    named = [(label_with_threads(one.key, keys), one.sustained) for one in results.results if one.sustained]
    return tuple(
        Plot(f"sustained-plot-{place}", f"{name}: {found.verdict}: {found.why}.", sustained_figure(found), name)
        for place, (name, found) in enumerate(named, 1)
    )


def sustained_figure(found: Sustained) -> Figure:
    """Lines over time, with temperatures below them where the device tells those."""
    at = [one.begin_seconds + one.seconds / 2 for one in found.windows]
    drawn = [(line, line.values(found.windows)) for line in _LINES]
    traces = [_trace(line, at, values, "%{y:.1f}%") for line, values in drawn if _any_told(values)]
    heat = _HEAT.values(found.windows)
    told = _any_told(heat)
    layout: Figure = {
        "xaxis": {"title": {"text": "seconds"}, "anchor": "y2" if told else "y"},
        "yaxis": {"title": {"text": "percent"}, "rangemode": "tozero", "domain": [_HEAT_PART + 0.06 if told else 0, 1]},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "hovermode": "x unified",
    }
    if told:
        traces.append({**_trace(_HEAT, at, heat, "%{y:.1f} °C"), "yaxis": "y2"})
        layout["yaxis2"] = {"title": {"text": "°C"}, "domain": [0, _HEAT_PART]}
    return {"data": traces, "layout": layout, "height": 460, "height_phone": 440}


def _trace(line: _Drawn, x: list[float], y: list[float | None], shown: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": line.name,
        "x": x,
        "y": y,
        "hovertemplate": shown,
        "line": {"color": line.colour, "dash": line.dash, "width": line.width},
    }


def _any_told(values: Sequence[float | None]) -> bool:
    return any(value is not None for value in values)


def _relative(values: Sequence[float | None]) -> list[float | None]:
    """The values in percent of the first that is told."""
    first = next((value for value in values if value), None)
    return [None if value is None or first is None else 100 * value / first for value in values]

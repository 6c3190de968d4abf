"""Figures as plain Plotly dictionaries; text of theirs is escaped, since Plotly reads tags in it."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from edgesr.benchmarks.jobs import HOST
from edgesr.benchmarks.machine.limits import MachineLimits
from edgesr.benchmarks.report.data import ReportData, measured, roofline_point, roofs, rounds_ms
from edgesr.benchmarks.report.tradeoff import Point, Tradeoff
from edgesr.benchmarks.results.rows import distinct_label
from edgesr.runtimes.wording import counted

Figure = dict[str, Any]

_PRECISION_COLOURS = {
    "fp32": "#4c78d0",
    "fp16": "#12a594",
    "fp16a": "#6fbf4b",
    "bf16": "#2f8f9d",
    "int8": "#e5484d",
    "w8": "#e8932c",
    "w8d": "#b07a2a",
    "w8a16": "#a259c4",
}
_ROUND_COLOURS = ("#4c78d0", "#e8932c", "#12a594", "#a259c4", "#e5484d", "#8d8d8d")
_RUNTIME_SYMBOLS = {"ort": "circle", "openvino": "triangle-up", "tflite": "square", "torchscript": "diamond"}
_LINE_CHARACTERS = 15
_EXACT_GAP_DB = 6.0


def tradeoff_figure(found: Tradeoff, alike: Iterable[Tradeoff] = ()) -> Figure:
    """Scatter of ms per output megapixel and worst PSNR; the area of a point is its file's size, a ring the front.

    The axes and areas are those of figures of all that are ``alike``.
    """
    shown = [point for one in (found, *alike) for point in one.points]
    known = [p.psnr_db for p in shown if p.psnr_db is not None]
    top = max(known, default=100.0) + _EXACT_GAP_DB
    largest = max(p.size_kb for p in shown)
    traces: list[Figure] = []
    for precision in dict.fromkeys(p.precision for p in found.points):
        chosen = [p for p in found.points if p.precision == precision]
        traces.append(_scatter_trace(precision, chosen, found, top, largest))
    traces.append(_front_trace(found, top, largest))
    speeds = [p.ms_per_megapixel for p in shown]
    lowest = min(known, default=top)
    margin = 0.12 * (top - lowest) or 1.0
    layout = {
        "xaxis": {"title": {"text": "ms per output megapixel (p50, log)"}, **_log_axis(speeds)},
        "yaxis": {"title": {"text": "worst PSNR, dB"}, "range": [lowest - margin, top + margin]},
        "legend": _legend_above(),
        "hovermode": "closest",
    }
    return {"data": traces, "layout": layout, "height": 440, "height_phone": 400}


def _scatter_trace(name: str, points: list[Point], found: Tradeoff, top: float, largest: float) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escaped(name),
        "x": [p.ms_per_megapixel for p in points],
        "y": [top if p.psnr_db is None else p.psnr_db for p in points],
        "text": [_point_text(p, p in found.front) for p in points],
        "hovertemplate": "%{text}<extra></extra>",
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [p.interval[1] - p.ms_per_megapixel for p in points],
            "arrayminus": [p.ms_per_megapixel - p.interval[0] for p in points],
            "thickness": 1,
            "width": 2,
        },
        "marker": {
            "color": _PRECISION_COLOURS.get(name, "#8d8d8d"),
            "opacity": 0.75,
            "symbol": [_RUNTIME_SYMBOLS.get(p.runtime, "cross") for p in points],
            "size": [_diameter(p, largest) for p in points],
        },
    }


def _front_trace(found: Tradeoff, top: float, largest: float) -> Figure:
    """Rings around the points of the Pareto front, in the colour of text."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Pareto front",
        "x": [p.ms_per_megapixel for p in found.front],
        "y": [top if p.psnr_db is None else p.psnr_db for p in found.front],
        "hoverinfo": "skip",
        "marker": {
            "color": "rgba(0,0,0,0)",
            "symbol": [_RUNTIME_SYMBOLS.get(p.runtime, "cross") for p in found.front],
            "size": [_diameter(p, largest) + 3 for p in found.front],
            "line": {"width": 2.5, "color": "ink"},
        },
    }


def _diameter(point: Point, largest: float) -> float:
    return 9 + 21 * math.sqrt(point.size_kb / largest)


def _point_text(point: Point, front: bool) -> str:
    fidelity = "identical" if point.psnr_db is None else f"{point.psnr_db:.1f} dB"
    lines = [
        _heading(point.artifact, point.engine),
        f"p50 {point.p50_ms:.1f} ms, {point.ms_per_megapixel:.0f} ms/MP",
        f"{fidelity}, {point.size_kb:.0f} kB",
    ]
    return "<br>".join([*lines, "on the Pareto front"] if front else lines)


def _heading(artifact: str, engine: str) -> str:
    return f"<b>{escaped(artifact)}</b> ({escaped(engine)})"


def latency_figure(data: ReportData, threads: int) -> Figure | None:
    """A box of the raw calls for every artifact and round, at one thread count; None when nothing was measured."""
    results = measured(data.latency, threads) if data.latency else []
    if not results:
        return None
    results.sort(key=lambda r: -(r.latency.p50_ms if r.latency else 0.0))
    count = max(len(rounds_ms(r)) for r in results)
    keys = {r.key: replace(r.key, device=HOST) for r in results}  # the caption names the device
    traces: list[Figure] = []
    for index in reversed(range(count)):
        boxes = [(r, rounds_ms(r)[index]) for r in results if index < len(rounds_ms(r))]
        traces.append(
            {
                "type": "box",
                "orientation": "h",
                "name": f"round {index + 1}",
                "x": [sample for _, samples in boxes for sample in samples],
                "y": [broken_name(distinct_label(keys[r.key], keys.values())) for r, samples in boxes for _ in samples],
                "marker": {"color": _ROUND_COLOURS[index % len(_ROUND_COLOURS)], "size": 3},
                "line": {"width": 1.2},
                "boxpoints": "all" if count * len(results) <= 100 else "outliers",
                "jitter": 0.4,
                "pointpos": 0,
            }
        )
    layout = {
        "boxmode": "group",
        "xaxis": {"title": {"text": "ms a call (log)"}, **_log_axis([x for trace in traces for x in trace["x"]])},
        "yaxis": {"automargin": True, "tickfont": {"size": 11}},
        "legend": {**_legend_above(), "traceorder": "reversed"},
        "showlegend": count > 1,
    }
    height = 130 + len(results) * max(36, 13 * count)
    return {"data": traces, "layout": layout, "height": height, "height_phone": height}


def roofline_figure(data: ReportData) -> Figure | None:
    """Speed against FLOP a byte, below what the machine can do; None without measured limits or any point."""
    limits = roofs(data.latency)
    if data.latency is None or not limits:
        return None
    points = [(r, at) for r in data.latency.results if (at := roofline_point(r)) is not None]
    if not points:
        return None
    spread = [at[0] for _, at in points] + [roof.sgemm_gflops / roof.bandwidth_gb_per_s for roof in limits]
    reach = (min(spread) / 3, max(spread) * 3)
    traces: list[Figure] = [_roof_trace(roof, reach, index) for index, roof in enumerate(limits)]
    for index, roof in enumerate(limits):
        chosen = [(r, at) for r, at in points if r.key.threads == roof.threads]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"artifacts, {counted(roof.threads, 'thread')}",
                "x": [at[0] for _, at in chosen],
                "y": [at[1] for _, at in chosen],
                "text": [f"{_heading(r.key.artifact, r.key.engine)}<br>{at[1]:.1f} GFLOP/s" for r, at in chosen],
                "hovertemplate": "%{text}<br>%{x:.1f} FLOP/byte<extra></extra>",
                "marker": {
                    "color": _ROUND_COLOURS[index % len(_ROUND_COLOURS)],
                    "size": 9,
                    "opacity": 0.8,
                    "symbol": [_RUNTIME_SYMBOLS.get(r.key.runtime, "cross") for r, _ in chosen],
                },
            }
        )
    layout = {
        "xaxis": {"title": {"text": "FLOP a byte (log)"}, **_log_axis([x for trace in traces for x in trace["x"]])},
        "yaxis": {"title": {"text": "GFLOP/s (log)"}, **_log_axis([y for trace in traces for y in trace["y"]])},
        "legend": _legend_above(),
        "hovermode": "closest",
    }
    return {"data": traces, "layout": layout, "height": 460, "height_phone": 440}


def _roof_trace(roof: MachineLimits, reach: tuple[float, float], index: int) -> Figure:
    low, high = reach
    ridge = roof.sgemm_gflops / roof.bandwidth_gb_per_s
    x = [low, ridge, high]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"roof, {counted(roof.threads, 'thread')}",
        "x": x,
        "y": [min(roof.sgemm_gflops, roof.bandwidth_gb_per_s * at) for at in x],
        "hovertemplate": f"{roof.sgemm_gflops:.1f} GFLOP/s, {roof.bandwidth_gb_per_s:.1f} GB/s<extra></extra>",
        "line": {"color": _ROUND_COLOURS[index % len(_ROUND_COLOURS)], "width": 2},
    }


def escaped(text: str) -> str:
    """Text that Plotly shows as it is."""
    return html.escape(text, quote=False)


def broken_name(name: str) -> str:
    """A name in lines of some fifteen characters, broken after hyphens, for the labels of an axis."""
    lines = [""]
    for part in name.replace("-", "-\0").split("\0"):
        if lines[-1] and len(lines[-1]) + len(part) > _LINE_CHARACTERS:
            lines.append("")
        lines[-1] += part
    return "<br>".join(map(escaped, lines))


def _log_axis(values: list[float]) -> Figure:
    """A logarithmic axis around positive values, with ticks at 1, 2 and 5 of each decade (1 alone over many)."""
    low, high = min(values, default=1.0) / 1.25, max(values, default=1.0) * 1.25
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if math.log10(high / low) < 3 else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    shown = [tick for tick in ticks if low <= tick <= high]
    return {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": shown,
        "ticktext": [f"{tick:g}" for tick in shown],
    }


def _legend_above() -> Figure:
    return {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}

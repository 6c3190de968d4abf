"""The section on operators: where the time of each artifact goes, and what delegates take."""

from __future__ import annotations

from edgesr.benchmarks.latency.profiles import ProfileResults
from edgesr.benchmarks.report import commands
from edgesr.benchmarks.report.data import ReportData, ReportFiles
from edgesr.benchmarks.report.figures import Figure, broken_name, escaped
from edgesr.benchmarks.report.section import Plot, Section
from edgesr.benchmarks.results.rows import distinct_label
from edgesr.benchmarks.tables.devices import instruction_lines, instruction_table
from edgesr.benchmarks.tables.profiles import delegate_table, kind_table, operator_table, profile_notes

_KINDS = 6
_OTHER = "other"
_COLOURS = ("#4c78d0", "#e8932c", "#12a594", "#a259c4", "#e5484d", "#6fbf4b", "#8d8d8d")


def operator_section(found: ReportData, files: ReportFiles) -> Section:
    """Operator times by kind, the most expensive operators, predicted and found delegate partitions."""
    made_by: tuple[str, ...] = (commands.profile_command(found.bundle.root, files, found.profile),)
    if found.instructions and found.latency is None:
        made_by += (commands.instruction_command(found.bundle.root, files, found.instructions),)
    delegates = delegate_table(found.bundle.manifest, found.profile)
    not_counted = tuple(instruction_lines(found.instructions))
    counted = (instruction_table(found.instructions),) if found.instructions else ()
    tables = (*((delegates,) if delegates.rows else ()), *counted)
    if found.profile is None:
        missing = commands.missing_text(found, "Operator times", "--profile")
        return Section(
            id="operators", title="Operators", commands=made_by, missing=missing, tables=tables, notes=not_counted
        )
    figure = operators_figure(found.profile)
    caption = (
        "Time of one call by kind of operator, as the runtime fuses and names them; the profiler's own work is "
        "included. The slowest artifact is at the bottom."
    )
    return Section(
        id="operators",
        title="Operators",
        commands=made_by,
        plots=() if figure is None else (Plot("operators-plot", caption, figure),),
        tables=(*tables, kind_table(found.profile), operator_table(found.profile)),
        notes=(*profile_notes(found.profile), *not_counted),
    )


def operators_figure(results: ProfileResults) -> Figure | None:
    """A bar an artifact, of the kinds that take most in any of them; None without operator times."""
    shown = sorted((r for r in results.results if r.kinds()), key=lambda r: -sum(k.ms for k in r.kinds()))
    if not shown:
        return None
    totals: dict[str, float] = {}
    for kind in (kind for result in shown for kind in result.kinds()):
        totals[kind.kind] = totals.get(kind.kind, 0.0) + kind.share
    named = sorted(totals, key=lambda kind: -totals[kind])[:_KINDS]
    by_kind = [{kind.kind: kind.ms for kind in result.kinds()} for result in shown]
    values = {kind: [times.get(kind, 0.0) for times in by_kind] for kind in named}
    if len(totals) > len(named):
        values[_OTHER] = [sum(ms for kind, ms in times.items() if kind not in named) for times in by_kind]
    keys = [result.key for result in shown]
    labels = [broken_name(distinct_label(result.key, keys)) for result in shown]
    traces: list[Figure] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": escaped(kind),
            "x": milliseconds,
            "y": labels,
            "marker": {"color": colour},
            "hovertemplate": f"{escaped(kind)}: %{{x:.3g}} ms<extra></extra>",
        }
        for (kind, milliseconds), colour in zip(values.items(), _COLOURS, strict=False)
    ]
    layout = {
        "barmode": "stack",
        "xaxis": {"title": {"text": "ms a call"}},
        "yaxis": {"automargin": True, "tickfont": {"size": 11}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
    }
    height = 150 + 36 * len(shown)
    return {"data": traces, "layout": layout, "height": height, "height_phone": height + 60}

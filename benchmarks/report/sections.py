"""The sections of a report, in order: tables and figures, each with the command that gives it."""

from __future__ import annotations

from edgesr.benchmarks.report import commands, data, summary
from edgesr.benchmarks.report.data import ReportData, ReportFiles
from edgesr.benchmarks.report.figures import latency_figure, roofline_figure, tradeoff_figure
from edgesr.benchmarks.report.matrix import parity_matrix
from edgesr.benchmarks.report.operators import operator_section
from edgesr.benchmarks.report.pictures import Pictures
from edgesr.benchmarks.report.section import Plot, Section
from edgesr.benchmarks.report.sustained import sustained_section
from edgesr.benchmarks.report.tradeoff import tradeoff, tradeoff_table
from edgesr.benchmarks.tables.devices import difference_table, remote_lines
from edgesr.benchmarks.tables.end_to_end import end_to_end_notes, end_to_end_states, end_to_end_table
from edgesr.benchmarks.tables.latency import latency_states, latency_table
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.benchmarks.tables.parity import (
    difference_causes,
    execution_notes,
    golden_table,
    own_tolerances,
    parity_table,
)
from edgesr.benchmarks.tables.quality import image_quality_table, mean_quality_table, quality_notes
from edgesr.benchmarks.tables.table import Table
from edgesr.benchmarks.tables.tiling import tiling_lines
from edgesr.runtimes.wording import counted


def make_sections(
    found: ReportData, files: ReportFiles, pictures: Pictures | None, report_command: str
) -> tuple[Section, ...]:
    """All sections; one without its result file says which command makes it."""
    return (
        _summary(found, report_command),
        _pictures(pictures, report_command),
        _tradeoff(found, files),
        _latency(found, files),
        sustained_section(found, files),
        _roofline(found, files),
        operator_section(found, files),
        _parity(found, files),
        _errors(found, pictures, report_command),
        _end_to_end(found, files),
        _quality(found, files),
        _artifacts(found),
        _environment(found),
    )


def _summary(found: ReportData, report_command: str) -> Section:
    return Section(
        id="summary",
        title="Summary",
        commands=(report_command,),
        text="One row for each artifact, runtime and execution provider. Parity passes when every golden keeps its "
        f"tolerance; PSNR is that of the worst golden against {found.reference}, p50 at the fewest threads measured, "
        "with where 95 of 100 repeats fall.",
        tables=(summary.summary_table(found),),
    )


def _pictures(pictures: Pictures | None, report_command: str) -> Section:
    text = ""
    if pictures is not None:
        kept = "lossless WebP" if pictures.quality is None else f"WebP of quality {pictures.quality}"
        text = (
            "Two outputs of one photograph, stacked: the slider moves the edge between them (arrow keys work, and "
            f"dragging in the picture). The artifacts ran while this report was made; pictures are {kept}."
        )
    return Section(
        id="pictures",
        title="Before and after",
        commands=(report_command,),
        missing=None if pictures else "Pictures were left out.",
        text=text,
        notes=pictures.notes if pictures else (),
        pictures=pictures,
    )


def _tradeoff(found: ReportData, files: ReportFiles) -> Section:
    root = found.bundle.root
    trade = tradeoff(found)
    made_by = (
        commands.parity_command(root, files, found.parity),
        commands.latency_command(root, files, found.latency),
    )
    if trade is None:
        missing = commands.missing_text(found, "Parity and latency", "--parity and --latency")
        return Section(id="tradeoff", title="Latency, fidelity, size", commands=made_by, missing=missing)
    caption = (
        f"Left is faster, up is nearer to {found.reference}, larger points are larger files; "
        f"{counted(trade.threads, 'thread')}. "
        "Identical pictures are 6 dB above the highest PSNR. Bars: where 95 of 100 repeats fall; a wide one leaves the "
        "plot. A ring: on the Pareto front, no other is at least as good in all three and better in one. "
        "Circles run in ONNX Runtime, squares in LiteRT, diamonds in TorchScript Lite."
    )
    plot = Plot("tradeoff-plot", caption, tradeoff_figure(trade))
    return Section(
        id="tradeoff", title="Latency, fidelity, size", commands=made_by, plots=(plot,), tables=(tradeoff_table(trade),)
    )


def _latency(found: ReportData, files: ReportFiles) -> Section:
    made_by = (commands.latency_command(found.bundle.root, files, found.latency),)
    if found.latency is None:
        missing = commands.missing_text(found, "Latency", "--latency")
        return Section(id="latency", title="Latency", commands=made_by, missing=missing)
    plots = []
    for threads in sorted({r.key.threads for r in found.latency.results}):
        figure = latency_figure(found, threads)
        if figure is not None:
            option = counted(threads, "thread")
            caption = (
                f"Every timed call at {option}, a box for each round: quartiles and median; each round is a fresh "
                "process. Slowest at the bottom."
            )
            plots.append(Plot(f"latency-plot-{threads}", caption, figure, option))
    return Section(
        id="latency",
        title="Latency",
        commands=made_by,
        plots=tuple(plots),
        tables=_with_rows(latency_table(found.latency), latency_states(found.latency)),
        notes=(*remote_lines(found.latency.devices), *data.latency_remarks(found.latency)),
    )


def _with_rows(table: Table, states: Table) -> tuple[Table, ...]:
    """A table, and that of states where its file has any."""
    return (table, states) if states.rows else (table,)


def _roofline(found: ReportData, files: ReportFiles) -> Section:
    made_by = (commands.latency_command(found.bundle.root, files, found.latency),)
    figure = roofline_figure(found)
    if figure is None:
        missing = "No latency file with measured limits of the machine was given: run the command, then use --latency."
        return Section(id="roofline", title="Roofline", commands=made_by, missing=missing)
    caption = (
        "What an artifact reaches against what this machine was measured to do: the slope is memory bandwidth, the "
        "flat part a float32 matrix product. int8 kernels may pass the float32 roof."
    )
    return Section(
        id="roofline",
        title="Roofline",
        commands=made_by,
        plots=(Plot("roofline-plot", caption, figure),),
        tables=(summary.limits_table(found), summary.roofline_table(found)),
    )


def _parity(found: ReportData, files: ReportFiles) -> Section:
    made_by = (commands.parity_command(found.bundle.root, files, found.parity),)
    if found.parity is None:
        missing = commands.missing_text(found, "Parity", "--parity")
        return Section(id="parity", title="Parity", commands=made_by, missing=missing)
    devices = (difference_table(found.parity),) if found.parity.differences else ()
    return Section(
        id="parity",
        title="Parity",
        commands=made_by,
        text=f"PSNR in dB of each artifact against {found.reference} on each golden; a cross marks a missed tolerance.",
        matrix=parity_matrix(found.parity),
        tables=(golden_table(found.parity), parity_table(found.parity), *devices),
        notes=(
            *remote_lines(found.parity.devices),
            *execution_notes(found.parity),
            *own_tolerances(found.parity),
            *difference_causes(found.parity),
            *not_measured(found.parity),
        ),
    )


def _errors(found: ReportData, pictures: Pictures | None, report_command: str) -> Section:
    return Section(
        id="errors",
        title="Error maps",
        commands=(report_command,),
        missing=None if pictures else "Pictures were left out.",
        text=f"|artifact - {found.reference}|, the largest of the three channels, multiplied by the power of two "
        "below each map (black is none, white is 255). Each pixel of a map is the maximum of a block.",
        pictures=pictures,
    )


def _end_to_end(found: ReportData, files: ReportFiles) -> Section:
    made_by = (commands.end_to_end_command(found.bundle.root, files, found.end_to_end),)
    if found.end_to_end is None:
        missing = commands.missing_text(found, "A photograph from file to file", "--end-to-end")
        return Section(id="end-to-end", title="From file to file", commands=made_by, missing=missing)
    return Section(
        id="end-to-end",
        title="From file to file",
        commands=made_by,
        tables=_with_rows(end_to_end_table(found.end_to_end), end_to_end_states(found.end_to_end)),
        notes=tuple(end_to_end_notes(found.end_to_end)),
    )


def _quality(found: ReportData, files: ReportFiles) -> Section:
    made_by = (commands.quality_command(found.bundle.root, files, found.quality),)
    if found.quality is None:
        missing = commands.missing_text(found, "Quality against HR images", "--quality")
        return Section(id="quality", title="Quality", commands=made_by, missing=missing)
    return Section(
        id="quality",
        title="Quality",
        commands=made_by,
        tables=(mean_quality_table(found.quality), image_quality_table(found.quality)),
        notes=tuple(quality_notes(found.quality)),
    )


def _artifacts(found: ReportData) -> Section:
    return Section(
        id="artifacts",
        title="Artifacts",
        commands=(commands.inspect_command(found.bundle.root),),
        text="The files of the bundle; the command also counts their operators."
        + "".join(f" {line}." for line in tiling_lines(found.bundle.manifest)),
        tables=(summary.artifact_table(found.bundle.manifest),),
    )


def _environment(found: ReportData) -> Section:
    tables = summary.environment_tables(found)
    return Section(
        id="environment",
        title="Environment",
        commands=("edgesr doctor",),
        text="Each result file records where it was measured; the command tells what is installed here.",
        missing=None if tables else "No result file was given: every measuring command records its environment.",
        tables=tables,
    )

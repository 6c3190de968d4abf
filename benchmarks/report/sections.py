"""The sections of a report, in order: tables and figures, each with the command that gives it."""

from __future__ import annotations

from edgesr.benchmarks.jobs import HOST
from edgesr.benchmarks.report import commands, data, summary
from edgesr.benchmarks.report.data import ReportData, ReportFiles
from edgesr.benchmarks.report.drawn.matrix import parity_matrix
from edgesr.benchmarks.report.drawn.pictures import Pictures
from edgesr.benchmarks.report.operators import operator_section
from edgesr.benchmarks.report.section import Section
from edgesr.benchmarks.report.sustained import sustained_section
from edgesr.benchmarks.report.timing_sections import (
    latency_section,
    roofline_section,
    tradeoff_section,
    with_rows,
)
from edgesr.benchmarks.tables.devices import difference_table, remote_lines
from edgesr.benchmarks.tables.end_to_end import end_to_end_notes, end_to_end_states, end_to_end_table
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.benchmarks.tables.parity import (
    difference_causes,
    execution_notes,
    golden_table,
    own_tolerances,
    parity_table,
)
from edgesr.benchmarks.tables.quality import image_quality_table, mean_quality_table, quality_notes
from edgesr.benchmarks.tables.tiling import tiling_lines


def make_sections(
    found: ReportData, files: ReportFiles, pictures: Pictures | None, report_command: str
) -> tuple[Section, ...]:
    """All sections; one without its result file says which command makes it."""
    return (
        *_devices(found, report_command),
        _summary(found, report_command),
        _pictures(pictures, report_command),
        tradeoff_section(found, files),
        latency_section(found, files),
        sustained_section(found, files),
        roofline_section(found, files),
        operator_section(found, files),
        _parity(found, files),
        _errors(found, pictures, report_command),
        _end_to_end(found, files),
        _quality(found, files),
        _artifacts(found),
        _environment(found),
    )


def _devices(found: ReportData, report_command: str) -> tuple[Section, ...]:
    """The devices of the rows; None if all are of this host."""
    if data.devices(found) == [HOST]:
        return ()
    section = Section(
        id="devices",
        title="Devices",
        commands=(report_command,),
        text="One row for each device. The fastest artifact is the one that takes the least time for an output pixel, "
        "among those whose parity passes on that device, at the fewest threads measured.",
        tables=(summary.device_table(found),),
    )
    return (section,)


def _summary(found: ReportData, report_command: str) -> Section:
    return Section(
        id="summary",
        title="Summary",
        commands=(report_command,),
        text="One row for each artifact, runtime, execution provider and device. Parity passes when every golden keeps "
        f"its tolerance; PSNR is that of the worst golden against {found.reference}. p50 is the median time of a call "
        "at the fewest threads measured, with the interval in which 95 of 100 repeats fall.",
        tables=(data.table_of_devices(found, summary.summary_table),),
    )


def _pictures(pictures: Pictures | None, report_command: str) -> Section:
    text = ""
    if pictures is not None:
        kept = "lossless WebP" if pictures.quality is None else f"WebP of quality {pictures.quality}"
        text = (
            "Two outputs of one photograph, one over the other: the slider moves the edge between them (arrow keys and "
            f"dragging in the picture work, too). The artifacts ran while this report was made; pictures are {kept}."
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
        text=f"The difference between an artifact's picture and that of {found.reference}: the largest of the three "
        "channels, multiplied by the power of two below each map (black is no difference, white is 255). Each pixel of "
        "a map is the maximum of a block.",
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
        tables=with_rows(end_to_end_table(found.end_to_end), end_to_end_states(found.end_to_end)),
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
        text="Each result file records where it was measured; the command lists what is installed on this machine.",
        missing=None if tables else "No result file was given: every measuring command records its environment.",
        tables=tables,
    )

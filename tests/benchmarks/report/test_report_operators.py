"""The report on operators, delegates and instructions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgesr.benchmarks.latency.instruction_results import InstructionResult
from edgesr.benchmarks.latency.results import without_latency
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.report.builder import Report, build_report
from edgesr.benchmarks.report.data import ReportFiles
from edgesr.benchmarks.report.page import word_columns
from edgesr.benchmarks.results.rows import Key
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.tables.table import Table
from edgesr.runtimes.bundle.opening import Bundle


@pytest.fixture(scope="module")
def report(mobile_bundle: Bundle, report_files: ReportFiles) -> Report:
    return build_report(mobile_bundle, report_files)


def test_operators_of_measured_artifacts(report: Report) -> None:
    section = next(section for section in report.sections if section.id == "operators")
    assert report.data.profile is not None
    kinds = [{kind.kind: kind for kind in result.kinds()} for result in report.data.profile.results]
    assert [found["Conv"].count for found in kinds] == [14, 14]
    (plot,) = section.plots
    drawn = [sum(trace["x"][place] for trace in plot.figure["data"]) for place in range(len(kinds))]
    summed = [sum(kind.ms for kind in found.values()) for found in kinds]
    assert sorted(drawn) == pytest.approx(sorted(summed))
    delegates = section.tables[0]
    assert [row[0] for row in delegates.rows] == ["tflite-fp32-full-64x64", "tflite-fp32-tile-64x64"]
    assert all(row[1:] == ("XNNPACK", "1; no fallback", "as predicted", "-") for row in delegates.rows)


def test_counts_alone_are_shown_without_latency_and_profile(mobile_bundle: Bundle, tmp_path: Path) -> None:
    counted = InstructionResult(
        key=Key(artifact="onnx-fp32-tile", runtime="ort", threads=1, device="arm64:cortex-a76"),
        status="crashed",
        reason="killed by SIGILL",
        instructions=None,
        ratio_to_fp32=None,
    )
    file = tmp_path / "counts.json"
    untimed = without_latency(mobile_bundle, LatencySettings(calls=3, seconds=0.0), 5)
    write_json(replace(untimed, instructions=(counted,)), file)
    made = build_report(mobile_bundle, ReportFiles(latency=file), pictures=False)
    assert "Millions of instructions in one call (not a time)" in made.html
    assert "onnx-fp32-tile on arm64:cortex-a76: crashed: killed by SIGILL" in made.html
    assert f"edgesr bench {mobile_bundle.root} --device arm64:cortex-a76 --json {file}" in made.html


def test_columns_of_words_stand_left() -> None:
    rows = (("a", "1.5 ms", "Conv", "-"), ("b", "12", "2 others", "x"))
    assert word_columns(Table("t", ("name", "time", "kind", "note"), rows)) == [True, False, False, True]

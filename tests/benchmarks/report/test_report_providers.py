"""Results of execution providers in a report: each is matched with those of the same provider, and named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from edgesr.benchmarks.parity.results import DeviceDifference
from edgesr.benchmarks.report import data
from edgesr.benchmarks.report.data import ReportData, ReportFiles, read_data
from edgesr.benchmarks.report.figures import latency_figure, roofline_figure, tradeoff_figure
from edgesr.benchmarks.report.operators import operators_figure
from edgesr.benchmarks.report.sections import make_sections
from edgesr.benchmarks.report.summary import Counts, parity_counts, roofline_table, summary_table
from edgesr.benchmarks.report.text_output import csv_files
from edgesr.benchmarks.report.tradeoff import tradeoff, tradeoff_table
from edgesr.benchmarks.results.rows import Key, Row, distinct_label
from edgesr.benchmarks.tables.devices import difference_table
from edgesr.benchmarks.tables.table import DASH
from edgesr.runtimes.bundle.opening import Bundle

AZURE = "ort, azure"
IDS = ["onnx-fp32-full", "onnx-fp32-tile"]


@pytest.fixture(scope="module")
def plain(mobile_bundle: Bundle, report_files: ReportFiles) -> ReportData:
    """Parity, latency and operators of two artifacts, without a provider."""
    return read_data(mobile_bundle, report_files)


def on(provider: str, results: Any) -> Any:
    """The same results as if that provider had been asked for."""
    rows: tuple[Row, ...] = results.results
    return replace(results, results=tuple(replace(r, key=replace(r.key, provider=provider)) for r in rows))


@pytest.fixture(scope="module")
def azure(plain: ReportData) -> ReportData:
    assert plain.parity and plain.latency and plain.profile
    return replace(
        plain,
        parity=on("azure", plain.parity),
        latency=on("azure", plain.latency),
        profile=on("azure", plain.profile),
    )


def of_ort(found: ReportData) -> dict[tuple[str, str], tuple[str, ...]]:
    """The rows of the summary by artifact and engine, of ONNX Runtime alone."""
    return {(row[0], row[1]): row[3:7] for row in summary_table(found).rows if row[1].startswith("ort")}


def test_parity_of_a_provider_stands_beside_its_latency(plain: ReportData, azure: ReportData) -> None:
    rows = of_ort(azure)
    assert list(rows) == [(name, AZURE) for name in IDS]
    assert rows == {(name, AZURE): of_ort(plain)[name, "ort"] for name in IDS}
    assert all(cells[0] == "pass" and DASH not in cells[:3] for cells in rows.values())


def test_parity_of_a_provider_is_not_that_of_another_run(plain: ReportData, azure: ReportData) -> None:
    mixed = replace(plain, parity=azure.parity)
    rows = of_ort(mixed)
    assert list(rows) == [(name, engine) for name in IDS for engine in ("ort", AZURE)]
    assert all((cells[0] == "pass") == (engine == AZURE) for (_, engine), cells in rows.items())
    assert tradeoff(mixed) is None
    others = len(data.subjects(plain)) - 2
    assert parity_counts(plain) == Counts(2, 0, others)
    assert parity_counts(mixed) == Counts(2, 0, others + 2)


def test_tables_and_figures_name_it(azure: ReportData) -> None:
    trade = tradeoff(azure)
    assert trade is not None
    assert {row[1] for row in tradeoff_table(trade).rows} == {AZURE}
    assert {row[1] for row in roofline_table(azure).rows} == {AZURE}
    assert azure.profile is not None
    for figure in (
        tradeoff_figure(trade),
        roofline_figure(azure),
        latency_figure(azure, 1),
        operators_figure(azure.profile),
    ):
        assert f"({AZURE})" in json.dumps(figure)


def test_csv_names_it(azure: ReportData) -> None:
    written = csv_files(azure, ())
    for name in ("goldens.csv", "calls.csv"):
        head, *rows = written[name].splitlines()
        assert head.startswith("artifact,runtime,")
        assert rows and all(f',"{AZURE}",' in row for row in rows)


def test_commands_have_the_option(azure: ReportData) -> None:
    commands = {section.id: section.commands for section in make_sections(azure, ReportFiles(), None, "edgesr report")}
    for name in ("tradeoff", "latency", "parity", "operators"):
        assert all("--provider azure" in line for line in commands[name]), commands[name]


def test_labels_are_distinct() -> None:
    key = Key(artifact="a", runtime="ort", threads=1, device="host")
    other = replace(key, runtime="openvino")
    assert distinct_label(key, [key]) == "a"
    assert [distinct_label(one, [key, other]) for one in (key, other)] == ["a (ort)", "a (openvino)"]
    asked = replace(key, provider="azure")
    assert distinct_label(asked, [asked]) == f"a ({AZURE})"


def test_boxes_of_two_runtimes_are_two(plain: ReportData) -> None:
    assert plain.latency is not None
    results = plain.latency.results
    doubled = (*results, *(replace(r, key=replace(r.key, runtime="openvino")) for r in results))
    figure = latency_figure(replace(plain, latency=replace(plain.latency, results=doubled)), 1)
    assert figure is not None
    assert len({label for trace in figure["data"] for label in trace["y"]}) == 4


def test_differences_of_devices_name_it(plain: ReportData) -> None:
    difference = DeviceDifference(
        artifact="a",
        runtime="ort",
        provider="azure",
        device="arm64",
        base="host",
        golden="flat",
        max_difference=0.0,
        identical_goldens=1,
        goldens=1,
        cause=None,
    )
    assert plain.parity is not None
    ((_, engine, *_),) = difference_table(replace(plain.parity, differences=(difference,))).rows
    assert engine == AZURE

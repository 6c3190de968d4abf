"""The report of several devices: a row and plots for each, and what was not measured on one is not made up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from edgesr.benchmarks.devices.device import DeviceEnvironment
from edgesr.benchmarks.report import data
from edgesr.benchmarks.report.builder import build_report
from edgesr.benchmarks.report.data import ReportData, ReportFiles, read_data
from edgesr.benchmarks.report.section import Section
from edgesr.benchmarks.report.sections import make_sections
from edgesr.benchmarks.report.summary import Counts, parity_counts
from edgesr.benchmarks.report.text_output import csv_files
from edgesr.benchmarks.report.tradeoff import tradeoffs
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.tables.table import DASH, Table
from edgesr.runtimes.bundle.opening import open_bundle
from tests.benchmarks.report.test_report_browser import ARGUMENTS
from tests.helpers.places import RELEASE, RELEASED_BUNDLE

BOXES = ("ssh:a", "ssh:b")
FASTEST, SLOWEST = "onnx-fp32-tile", "onnx-fp32-full"


@pytest.fixture(scope="module")
def plain() -> ReportData:
    """The results that edgesr 0.1.0 measured on one host."""
    files = ReportFiles(parity=RELEASE / "parity.json", latency=RELEASE / "latency.json")
    return read_data(open_bundle(RELEASED_BUNDLE), files)


def on_boxes(found: ReportData, *, parity: Sequence[str] = BOXES, latency: Sequence[str] = BOXES) -> ReportData:
    """The same as if it had been measured on these boxes too, where the slowest artifact alone passed."""
    assert found.parity and found.latency
    parity_rows = [
        replace(row, key=replace(row.key, device=name), passed=row.key.artifact == SLOWEST)
        for name in parity
        for row in found.parity.results
    ]
    latency_rows = [
        replace(row, key=replace(row.key, device=name)) for name in latency for row in found.latency.results
    ]
    limits = [replace(one, device=name, sgemm_gflops=7.0) for name in latency for one in found.latency.limits]
    devices = tuple(
        DeviceEnvironment(name=name, kind="remote", cpu=f"CPU of {name}", packages={}, system="Linux 6")
        for name in BOXES
    )
    return replace(
        found,
        parity=replace(found.parity, results=(*found.parity.results, *parity_rows), devices=devices),
        latency=replace(
            found.latency,
            results=(*found.latency.results, *latency_rows),
            limits=(*found.latency.limits, *limits),
            devices=devices,
        ),
    )


def sections(found: ReportData) -> dict[str, Section]:
    return {one.id: one for one in make_sections(found, ReportFiles(), None, "edgesr report")}


def column(table: Table, name: str) -> list[str]:
    return [row[table.columns.index(name)] for row in table.rows]


def test_a_report_of_this_host_is_as_before(plain: ReportData) -> None:
    made = sections(plain)
    assert next(iter(made)) == "summary" and "devices" not in made
    assert not any("device" in table.columns for one in made.values() for table in one.tables)
    assert [plot.id for plot in (*made["tradeoff"].plots, *made["roofline"].plots)] == [
        "tradeoff-plot",
        "roofline-plot",
    ]


def test_a_row_a_device_with_what_is_fastest_within_its_parity(plain: ReportData) -> None:
    found = on_boxes(plain)
    (table,) = sections(found)["devices"].tables
    assert column(table, "device") == ["host", *BOXES]
    assert plain.parity
    assert column(table, "fastest within parity") == [FASTEST, SLOWEST, SLOWEST]
    artifacts = [row.key.artifact for row in plain.parity.results]
    assert column(table, "parity") == [f"{count} of {len(artifacts)} pass" for count in (len(artifacts), 1, 1)]
    assert column(table, "CPU")[1:] == ["CPU of ssh:a", "CPU of ssh:b"]
    counts = parity_counts(found)
    assert counts == Counts(len(artifacts) + 2, 2 * (len(artifacts) - 1), parity_counts(plain).unknown)


def test_tables_join_all_devices(plain: ReportData) -> None:
    made = sections(on_boxes(plain))
    for name, tables in (("summary", 1), ("tradeoff", 1), ("latency", 1), ("roofline", 2)):
        for table in made[name].tables[:tables]:
            assert {*column(table, "device")} == {"host", *BOXES}, name
            assert {len(row) for row in table.rows} == {len(table.columns)}
    assert column(made["roofline"].tables[0], "sgemm GFLOP/s")[1:] == ["7.0", "7.0"]
    files = csv_files(on_boxes(plain), tuple(made.values()))
    assert files["summary.csv"].splitlines()[0].startswith("artifact,runtime,device,")


def test_a_plot_for_each_device_on_the_same_axes(plain: ReportData) -> None:
    made = sections(on_boxes(plain))
    for name, ids in (
        ("tradeoff", ["tradeoff-plot", "tradeoff-plot-2", "tradeoff-plot-3"]),
        ("roofline", ["roofline-plot", "roofline-plot-2", "roofline-plot-3"]),
    ):
        assert [plot.id for plot in made[name].plots] == ids
        assert [plot.option for plot in made[name].plots] == ["host", *BOXES]
        assert made[name].choice == "Device"
    axes = [(plot.figure["layout"]["xaxis"], plot.figure["layout"]["yaxis"]) for plot in made["tradeoff"].plots]
    assert axes[0] == axes[1] == axes[2]
    assert made["tradeoff"].plots[1].caption.startswith("On ssh:a. Points further left are faster")
    assert [plot.option for plot in made["latency"].plots][-1].startswith("ssh:b, ")
    assert "ssh:b" not in json.dumps(made["latency"].plots[-1].figure)
    ids = [plot.id for one in made.values() for plot in one.plots]
    assert len({*ids}) == len(ids)


def test_parity_of_this_host_is_said_to_be_borrowed(plain: ReportData) -> None:
    found = on_boxes(plain, parity=("ssh:a",))
    made = sections(found)
    assert {*tradeoffs(found)} == {"host", *BOXES}
    assert made["tradeoff"].notes == ("ssh:b: parity was not measured there; PSNR is that of this host",)
    (table,) = made["devices"].tables
    assert column(table, "fastest within parity")[-1] == column(table, "parity")[-1] == DASH
    summary = made["summary"].tables[0]
    states = dict(zip(column(summary, "device"), column(summary, "parity"), strict=True))
    assert states["ssh:b"] == DASH


def test_devices_of_parity_alone_have_a_row(plain: ReportData) -> None:
    found = on_boxes(plain, latency=())
    assert data.devices(found) == ["host", *BOXES]
    made = sections(found)
    assert [plot.option for plot in made["tradeoff"].plots] == ["host"]
    assert column(made["devices"].tables[0], "p50 ms")[1:] == [DASH, DASH]


def test_commands_name_all_devices(plain: ReportData) -> None:
    made = sections(on_boxes(plain))
    assert " --device ssh:a,ssh:b " in made["parity"].commands[0]
    assert " --device host,ssh:a,ssh:b " in made["latency"].commands[0]
    assert " --device " not in sections(plain)["latency"].commands[0]


def test_choosing_a_device_in_the_browser(plain: ReportData, tmp_path: Path) -> None:
    """On a desktop and on a phone the chosen plot is drawn, the others are hidden, and nothing is too wide."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Debian's Chromium: apt-get install chromium")
    found = on_boxes(plain)
    files = ReportFiles(parity=tmp_path / "parity.json", latency=tmp_path / "latency.json")
    write_json(found.parity, files.parity)
    write_json(found.latency, files.latency)
    page_file = tmp_path / "report.html"
    build_report(plain.bundle, files, pictures=False).write(page_file)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 844})
        page.goto(page_file.as_uri())
        chooser = page.locator("#tradeoff .choose-plot")
        assert chooser.locator("option").all_text_contents() == ["host", *BOXES]
        for width, chosen in ((1280, 1), (390, 2)):
            page.set_viewport_size({"width": width, "height": 844})
            chooser.select_option(index=chosen)
            page.wait_for_selector(f"#tradeoff-plot-{chosen + 1} svg.main-svg")
            visible = [one.is_visible() for one in page.locator("#tradeoff figure").all()]
            assert visible == [place == chosen for place in range(3)]
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        browser.close()

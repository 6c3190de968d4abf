"""Dates and names of the report's page: for people to read, and next to it for programs."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from edgesr.benchmarks.machine.environment import current_environment
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.report.builder import Report, build_report
from edgesr.benchmarks.report.data import ReportFiles
from edgesr.benchmarks.results.header import bundle_identity
from edgesr.benchmarks.results.writing import write_json
from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.json_records import to_json
from tests.helpers.small_bundle import fill

CREATED = "2026-11-27T19:05:59+00:00"
DATE = "27 November 2026, 19:05 UTC"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle in the folder "phone"."""
    folder = tmp_path / "phone"
    folder.mkdir()
    (folder / "manifest.json").write_text(to_json(fill(folder)))
    return folder


def report_of(folder: Path, parity: Path) -> Report:
    bundle = open_bundle(folder)
    results = ParityResults(
        schema_version=ParityResults.VERSION,
        created_utc=CREATED,
        bundle=bundle_identity(bundle),
        environment=current_environment(),
        kind="parity",
        results=(),
    )
    write_json(results, parity)
    return build_report(bundle, ReportFiles(parity=parity), pictures=False)


def test_the_title_names_the_folder_and_the_generator(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the folder is given as the current one."""
    monkeypatch.chdir(folder)
    for given in (folder, Path()):
        report = report_of(given, tmp_path / "parity.json")
        scale = report.data.bundle.manifest.scale
        assert report.title == f"edgesr report of phone: small x{scale}"
        assert report.html.count(report.title) == 2
        assert "Latency of phone: not given" in report.html


def test_dates_are_written_for_people_and_for_programs(folder: Path, tmp_path: Path) -> None:
    report = report_of(folder, tmp_path / "parity.json")
    report.write(tmp_path / "r.html", markdown_file=tmp_path / "r.md", csv_folder=tmp_path / "csv")
    page = (tmp_path / "r.html").read_text()
    assert f'<time datetime="{CREATED}">{DATE}</time>' in page
    times = re.findall(r'<time datetime="([^"]+)">(\d+ \w+ \d{4}, \d\d:\d\d UTC)</time>', page)
    assert len(times) == 2
    assert all(page.count(machine) == 1 for machine, _ in times)
    assert f"| created | {DATE} |" in (tmp_path / "r.md").read_text()
    rows = list(csv.reader((tmp_path / "csv" / "environment.csv").read_text().splitlines()))
    assert ["created", CREATED] in rows


def test_counts_of_the_page_go_with_their_nouns(folder: Path, tmp_path: Path) -> None:
    report = report_of(folder, tmp_path / "parity.json")
    facts = report.html.split('<p class="facts">')[1].split("</p>")[0]
    assert re.search(r"\b1 artifact ", facts) and "1 artifacts" not in facts
    assert f"{report.data.bundle.manifest.checkpoint.parameters:,} parameter" in facts


def test_a_name_that_is_no_text_is_escaped_in_the_files(folder: Path, tmp_path: Path) -> None:
    named = folder.rename(tmp_path / "a\udcff")
    report = report_of(named, tmp_path / "parity.json")
    report.write(tmp_path / "r.html", markdown_file=tmp_path / "r.md", csv_folder=tmp_path / "csv")
    assert b"<title>edgesr report of a\\udcff: small" in (tmp_path / "r.html").read_bytes()
    assert (tmp_path / "r.md").read_bytes().startswith(b"# edgesr report of a\\udcff: small")

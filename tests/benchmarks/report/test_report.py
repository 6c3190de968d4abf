"""The report of a bundle: sections, commands, numbers, escaping, and that it needs nothing from elsewhere."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgesr.cli.commands.report
from edgesr.benchmarks.machine.environment import current_environment
from edgesr.benchmarks.parity.check import ArtifactParity, GoldenParity
from edgesr.benchmarks.parity.results import ParityResult, ParityResults
from edgesr.benchmarks.report import data
from edgesr.benchmarks.report.builder import LARGEST_BYTES, Report, build_report
from edgesr.benchmarks.report.data import ReportFiles, read_data
from edgesr.benchmarks.report.figures import latency_figure
from edgesr.benchmarks.report.text_output import csv_files, markdown
from edgesr.benchmarks.report.tradeoff import tradeoff
from edgesr.benchmarks.results.header import bundle_identity, utc_now
from edgesr.benchmarks.results.rows import Key
from edgesr.benchmarks.results.writing import write_json
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.contract import REFERENCES
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import to_json
from tests.helpers.places import PHOTOGRAPHS
from tests.helpers.report_page import parsed
from tests.helpers.small_bundle import fill
from tests.helpers.whole_runs import RUNTIMES_HERE

SECTIONS = [
    *("summary", "pictures", "tradeoff", "latency", "sustained", "roofline", "operators", "parity"),
    *("errors", "end-to-end", "quality", "artifacts", "environment"),
]
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>|`x`"


@pytest.fixture(scope="module")
def report(mobile_bundle: Bundle, report_files: ReportFiles) -> Report:
    return build_report(mobile_bundle, report_files)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_section_names_its_command(report: Report, report_files: ReportFiles) -> None:
    commands = parsed(report.html).commands
    assert list(commands) == SECTIONS
    assert all(found and all(line.startswith("edgesr ") for line in found) for found in commands.values())
    assert "--rounds 2 --calls 3 --seconds 0" in commands["latency"][0]
    assert str(report_files.parity) in commands["parity"][0]
    assert commands["operators"] == [
        f"edgesr profile {report.data.bundle.root} --threads 1 --calls 2 --json {report_files.profile}"
    ]


def test_page_needs_nothing_from_elsewhere(report: Report) -> None:
    page = parsed(report.html)
    assert page.resources
    assert all(resource.startswith(("data:", "#")) for resource in page.resources)
    assert page.tags.count("link") == 1
    assert "default-src 'none'" in report.html
    assert len(report.html.encode()) < LARGEST_BYTES


def test_without_result_files_each_section_says_what_makes_it(mobile_bundle: Bundle) -> None:
    report = build_report(mobile_bundle, ReportFiles(), pictures=False)
    missing = {s.id: s.missing for s in report.sections if s.missing}
    assert set(missing) == set(SECTIONS) - {"summary", "artifacts"}
    assert "--parity" in str(missing["parity"])
    assert "--quality" in str(missing["quality"])
    assert "plotly-source" not in parsed(report.html).tags
    assert len(report.html) < 200_000  # no plot, no library


def test_pictures_of_every_artifact(mobile_bundle: Bundle, report: Report) -> None:
    (section,) = [s for s in report.sections if s.id == "pictures"]
    assert section.pictures is not None
    here = {a.id for a in mobile_bundle.manifest.artifacts if not set(a.runtimes).isdisjoint(RUNTIMES_HERE)}
    for compared in section.pictures.compared:
        assert set(compared.pictures) == {"bicubic", "bilinear", REFERENCES["pytorch"]} | here
        assert {h.artifact for h in compared.heat_maps} == here
        assert all(h.largest < _allowed(mobile_bundle.artifact(h.artifact)) for h in compared.heat_maps)
    distinct = {number for c in section.pictures.compared for number in c.pictures.values()}
    assert distinct == set(range(len(section.pictures.uris)))
    assert len(section.pictures.uris) < sum(len(c.pictures) for c in section.pictures.compared)


def _allowed(artifact: Artifact) -> float:
    """The largest error of a picture: that of all runtimes, or what fast kernels have for themselves."""
    own = RUNTIMES[artifact.runtimes[0]].own_tolerances.get(artifact.precision)
    return 0.05 if own is None else own.max_abs_error


def test_csv_is_the_json(report: Report, report_files: ReportFiles) -> None:
    assert report_files.parity is not None
    assert report_files.latency is not None
    written = csv_files(report.data, report.sections)
    parity = json.loads(report_files.parity.read_text())["results"]
    goldens = [(r["key"]["artifact"], g["golden"], g["max_abs_error"]) for r in parity for g in r["parity"]["goldens"]]
    shown = rows_of(written["goldens.csv"])
    assert [(r["artifact"], r["golden"], float(r["max_abs_error"])) for r in shown] == goldens
    latency = json.loads(report_files.latency.read_text())["results"]
    calls = [float(row["ms"]) for row in rows_of(written["calls.csv"])]
    assert calls == list(np.concatenate([np.ravel(r["latency"]["samples_ms"]) for r in latency]))
    summary = {(row["artifact"], row["runtime"]): row for row in rows_of(written["summary.csv"])}
    for result in latency:
        assert (
            summary[result["key"]["artifact"], result["key"]["runtime"]]["p50 ms"]
            == f"{result['latency']['p50_ms']:.1f}"
        )


def test_markdown_and_page_have_the_numbers_of_the_json(report: Report, report_files: ReportFiles) -> None:
    assert report_files.latency is not None
    text = markdown(report.title, report.sections)
    for result in json.loads(report_files.latency.read_text())["results"]:
        values = result["latency"]
        times = [f"{values[name]:.1f}" for name in ("p50_ms", "p90_ms", "p99_ms")]
        row = next(line for line in text.split("## Latency\n")[1].splitlines() if result["key"]["artifact"] in line)
        assert all(time in row for time in times)
        assert all(f">{time}<" in report.html for time in times)
    for section in report.sections:
        assert f"## {section.title}\n" in text
        assert all(f"    {command}" in text for command in section.commands)


def test_hostile_names_are_shown_not_run(tmp_path: Path) -> None:
    fill(tmp_path, id=HOSTILE)
    manifest = fill(tmp_path, id=HOSTILE)
    hostile = replace(manifest, generator={"name": HOSTILE})
    (tmp_path / "manifest.json").write_text(to_json(hostile))
    bundle = open_bundle(tmp_path)
    parity = tmp_path / "parity.json"
    write_json(parity_results(bundle, HOSTILE), parity)
    report = build_report(bundle, ReportFiles(parity=parity), pictures=False)
    page = parsed(report.html)
    assert page.handlers == []
    assert "img" not in page.tags
    assert "&lt;img src=x" in report.html
    text = markdown(report.title, report.sections)
    assert "<img" not in text
    assert "\\|" in text
    assert any(row["artifact"] == HOSTILE for row in rows_of(csv_files(report.data, report.sections)["summary.csv"]))


def parity_results(bundle: Bundle, artifact: str) -> ParityResults:
    golden = GoldenParity(
        golden=HOSTILE,
        k=None,
        psnr_db=41.5,
        max_abs_error=9.0,
        mean_shift=(0.0, 0.1, 0.2),
        border_max_abs_error=1.0,
        residual_psnr_db=None,
        bilinear_psnr_db=30.0,
        exact_psnr_db=None,
        exact_max_difference=None,
        failures=(HOSTILE,),
    )
    result = ParityResult(
        key=Key(artifact=artifact, runtime="ort", threads=1, device="host"),
        status="done",
        reason=None,
        passed=False,
        parity=ArtifactParity(goldens=(golden,), difference_cause=HOSTILE),
    )
    return ParityResults(
        schema_version=ParityResults.VERSION,
        kind="parity",
        created_utc=utc_now(),
        bundle=bundle_identity(bundle),
        environment=current_environment(),
        results=(result,),
    )


def test_wrong_files_are_refused(mobile_bundle: Bundle, report_files: ReportFiles, tmp_path: Path) -> None:
    assert report_files.parity is not None
    with pytest.raises(InputError, match="is of kind 'parity', not 'latency'"):
        read_data(mobile_bundle, ReportFiles(latency=report_files.parity))
    content = json.loads(report_files.parity.read_text())
    other = tmp_path / "other.json"
    for change, message in (
        ({"schema_version": 1}, "schema version 1 is not supported"),
        ({"bundle": {**content["bundle"], "manifest_sha256": "0"}}, "another bundle"),
        ({"results": 3}, "damaged result file"),
    ):
        other.write_text(json.dumps({**content, **change}))
        with pytest.raises(InputError, match=message):
            read_data(mobile_bundle, ReportFiles(parity=other))
    other.write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        read_data(mobile_bundle, ReportFiles(parity=other))


def test_front_of_measured_artifacts(report: Report) -> None:
    found = tradeoff(report.data)
    assert found is not None
    assert len(found.points) == 2
    assert found.front
    figure = latency_figure(report.data, 1)
    assert figure is not None
    assert report.data.latency is not None
    calls = sum(len(samples) for r in report.data.latency.results for samples in data.rounds_ms(r))
    assert sum(len(trace["x"]) for trace in figure["data"]) == calls


def test_command_writes_all_three(mobile_bundle: Bundle, report_files: ReportFiles, tmp_path: Path) -> None:
    photograph = PHOTOGRAPHS / "cat.png"
    output = tmp_path / "report.html"
    edgesr.cli.commands.report.report(
        mobile_bundle.root,
        output=output,
        parity=report_files.parity,
        image=[photograph],
        markdown=tmp_path / "report.md",
        csv=tmp_path / "tables",
    )
    assert "cat.png" in output.read_text()
    assert (tmp_path / "report.md").read_text().startswith("# edgesr report of mobile: srrescycgan-mobile x4\n")
    assert (tmp_path / "tables" / "goldens.csv").is_file()
    with pytest.raises(InputError, match="must exist"):
        edgesr.cli.commands.report.report(mobile_bundle.root, output=tmp_path / "no" / "report.html")

"""Files of edgesr 0.1.0 are read; what they lack is made up for. Older and newer ones are refused with what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.latency.statistics import percentiles
from edgesr.benchmarks.result_files import read_results
from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.images.image_io import read_image
from tests.helpers.cli_refusals import RunCli, picture, refused
from tests.helpers.places import RELEASE

Change = Callable[[Any], object]
KINDS = {
    "parity": "edgesr parity --json",
    "latency": "edgesr bench --json",
    "quality": "edgesr eval --json",
    "end_to_end": "edgesr bench --image-size --json",
    "profile": "edgesr profile --json",
}
NEWEST = {"end_to_end": 8}
"""Others have version 7."""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A copy, to change."""
    return Path(shutil.copytree(RELEASE, tmp_path / "release"))


def change(file: Path, **fields: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_the_bundle_opens_passes_and_upscales(release: Path, run_cli: RunCli) -> None:
    bundle = open_bundle(release / "bundle")
    assert (bundle.manifest.schema_version, bundle.manifest.edgesr_version) == (6, "0.1.0")
    code, out, err = run_cli("parity", release / "bundle", "--json", release / "new.json")
    assert code == 0, (out, err)
    results = json.loads((release / "new.json").read_text())["results"]
    assert {r["key"]["runtime"] for r in results} == {"ort", "tflite", "torchscript"}
    assert all(r["passed"] for r in results)
    source = picture(release / "in.png", 40)
    assert run_cli("upscale", source, release / "out.png", "--bundle", release / "bundle")[0] == 0
    assert read_image(release / "out.png").shape == (3, 160, 160)


def test_the_report_takes_all_result_files(release: Path, run_cli: RunCli) -> None:
    options: list[object] = []
    for name in KINDS:
        options += [f"--{name.replace('_', '-')}", release / f"{name}.json"]
    code, _, err = run_cli("report", release / "bundle", "--output", release / "report.html", *options)
    assert code == 0, err
    page = (release / "report.html").read_text()
    assert "torchscript-fp32-tile" in page
    assert "was measured on another" not in page


def test_percentiles_are_computed_anew(release: Path) -> None:
    """The file has a round of more samples, as a fast process leaves it: 0.1.0 gave it more weight."""
    file = release / "latency.json"
    data = json.loads(file.read_text())
    latency = data["results"][0]["latency"]
    latency["samples_ms"] = [[10.0] * 200, [10.0] * 200, [20.0] * 100, [20.0] * 100, [20.0] * 100]
    latency["rounds_p50_ms"], latency["p50_ms"] = [10.0, 10.0, 20.0, 20.0, 20.0], 10.0
    latency["ms_per_gmac"] = 5.0
    data["results"][0] |= {"gflops": 400.0, "share_of_peak": 0.5}
    file.write_text(json.dumps(data))
    (read, other), raw = read_results(LatencyResults, file).results, data["results"][1]["latency"]
    assert read.latency is not None and other.latency is not None
    assert (read.latency.p50_ms, read.latency.ms_per_gmac) == (20.0, 10.0)
    assert (read.gflops, read.share_of_peak) == (200.0, 0.25)
    assert other.latency.p50_ms == percentiles(raw["samples_ms"])[0]
    change(file, schema_version=7)
    as_written = read_results(LatencyResults, file).results[0].latency
    assert as_written is not None and as_written.p50_ms == 10.0


def test_compare_takes_old_and_new_files(release: Path, run_cli: RunCli) -> None:
    old, new = release / "latency.json", release / "newer.json"
    shutil.copyfile(old, new)
    change(new, schema_version=7)
    code, out, err = run_cli("compare", old, new)
    assert code == 0, err
    assert "no difference seen" in out


@pytest.mark.parametrize("name", list(KINDS))
def test_older_and_newer_result_files_are_refused(release: Path, run_cli: RunCli, name: str) -> None:
    option = f"--{name.replace('_', '-')}"
    newest = NEWEST.get(name, 7)
    remake = f"measure again with '{KINDS[name]}'"
    for version, naming in ((5, remake), (newest + 1, "of a newer edgesr"), (0, f"6 to {newest}")):
        change(release / f"{name}.json", schema_version=version)
        arguments = ("report", release / "bundle", "--output", release / "r.html", option, release / f"{name}.json")
        refused(run_cli, release, *arguments, naming=naming)


def test_tensors_of_its_manifests_had_a_quantization_that_was_null(release: Path, run_cli: RunCli) -> None:
    """The null is left out; anything else in its place is refused, and so are names of that version in a manifest of
    today.
    """
    file = release / "bundle" / "manifest.json"
    before = file.read_text()
    assert '"quantization": null' in before
    for surplus in ({"quantization": {"scale": [1.0], "zero_point": [0], "axis": None}}, {"other": None}):
        data = json.loads(before)
        data["artifacts"][0]["inputs"][0].update(surplus)
        file.write_text(json.dumps(data))
        refused(run_cli, release, "parity", release / "bundle", naming="artifacts[0].inputs[0]")
    file.write_text(before.replace('"quantization": null\n', '"missing": null\n', 1))
    refused(run_cli, release, "parity", release / "bundle", naming="quantization")
    file.write_text(before)
    change(file, schema_version=6)
    refused(run_cli, release, "parity", release / "bundle", naming="missing colour, multiple, reference and 1 more")


def test_older_and_newer_bundles_are_refused(release: Path, run_cli: RunCli) -> None:
    for version, naming in ((4, "make it anew with 'edgesr export'"), (9, "update edgesr")):
        change(release / "bundle" / "manifest.json", schema_version=version)
        refused(run_cli, release, "parity", release / "bundle", naming=naming)


@pytest.mark.parametrize("tolerance", ["-Infinity", "Infinity", "NaN", "1e999"])
def test_a_tolerance_that_is_no_number_is_refused(release: Path, run_cli: RunCli, tolerance: str) -> None:
    manifest = release / "bundle" / "manifest.json"
    text = manifest.read_text()
    assert '"min_psnr_db": 95.0' in text
    manifest.write_text(text.replace('"min_psnr_db": 95.0', f'"min_psnr_db": {tolerance}', 1))
    refused(run_cli, release, "parity", release / "bundle", naming="manifest.json: holds")


def latency(**fields: object) -> Change:
    """Changes figures of the first row."""
    return lambda data: data["results"][0]["latency"].update(fields)


def sample(place: int, value: float) -> Change:
    """Changes the first call of a round."""
    return lambda data: data["results"][0]["latency"]["samples_ms"][place].__setitem__(0, value)


UNSOUND: dict[str, tuple[Change, str]] = {
    "too long": (sample(0, 1e308), "onnx-fp32-full: a call took too long to be true"),
    "twice": (
        lambda data: data["results"].append(data["results"][0]),
        "onnx-fp32-full on ort, 1 thread: is there twice",
    ),
    "empty round": (
        lambda data: data["results"][0]["latency"]["samples_ms"][1].clear(),
        "onnx-fp32-full: a round has no samples",
    ),
    "no rounds": (latency(samples_ms=[], rounds_p50_ms=[]), "onnx-fp32-full: a round has no samples"),
    "no time": (sample(0, 0.0), "onnx-fp32-full: a call took no time"),
    "hardly any time": (sample(2, 1e-320), "onnx-fp32-full: a call took no time"),
    "percentile": (latency(p50_ms=1e308), "onnx-fp32-full: a call took too long to be true"),
    "negative time": (latency(load_ms=-5.0), "load_ms is -5.0, which cannot be"),
    "negative memory": (latency(peak_rss_mb=-1.0), "peak_rss_mb is -1.0, which cannot be"),
    "huge": (latency(peak_rss_mb=1e30), "peak_rss_mb is 1e+30, which cannot be"),
    "rounds": (lambda data: data.update(rounds=-5), "rounds is -5, which cannot be"),
    "rate": (
        lambda data: data["results"][0].update(gflops=0.0),
        "onnx-fp32-full: a figure derived from its latency is 0, or too large to be true",
    ),
    "not a number": (sample(0, float("nan")), "holds NaN"),
}


@pytest.mark.parametrize("limit", [0.0, 1e308, -1.0])
def test_limits_that_were_not_measured_are_refused(release: Path, run_cli: RunCli, limit: float) -> None:
    file = release / "latency.json"
    data = json.loads(file.read_text())
    data["limits"][0]["sgemm_gflops"] = limit
    file.write_text(json.dumps(data))
    arguments = ("report", release / "bundle", "--output", release / "r.html", "--latency", file)
    refused(run_cli, release, *arguments, naming="limits of 1 thread: cannot have been measured")


def test_a_golden_of_two_factors_is_refused(release: Path, run_cli: RunCli) -> None:
    file = release / "parity.json"
    data = json.loads(file.read_text())
    data["results"][0]["parity"]["goldens"][0]["k"] = 0.5
    file.write_text(json.dumps(data))
    arguments = ("report", release / "bundle", "--output", release / "r.html", "--parity", file)
    refused(run_cli, release, *arguments, naming="golden photograph: its factor k differs from row to row")


@pytest.mark.parametrize("kind", UNSOUND)
def test_unsound_latency_is_refused(release: Path, run_cli: RunCli, kind: str) -> None:
    change, naming = UNSOUND[kind]
    file = release / "latency.json"
    data = json.loads(file.read_text())
    change(data)
    (release / "bad.json").write_text(json.dumps(data))
    for arguments in ((file, release / "bad.json"), (release / "bad.json", file)):
        refused(run_cli, release, "compare", *arguments, naming=naming)

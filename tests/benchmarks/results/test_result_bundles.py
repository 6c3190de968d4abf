"""A result file belongs to one bundle: the report and compare refuse another one's. Nothing is measured twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from edgesr.benchmarks.latency.regression import compare_results
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.benchmarks.results.header import bundle_identity
from edgesr.cli.terminal import comma_separated, parse_bytes, parse_percent, parse_size, positive_integers
from edgesr.export.calibration.photographs import photograph_files
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import InputError
from edgesr.sr_model.evaluation.evaluate import candidates_from_paths
from tests.benchmarks.latency.test_compare import made_up_results, written
from tests.helpers.cli_refusals import RunCli, refused
from tests.helpers.places import RELEASE


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RELEASE, tmp_path / "release"))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hr")
    Image.open(photograph_files()[0]).convert("RGB").crop((0, 0, 64, 96)).save(folder / "a.png")
    return folder


def edit(file: Path, **fields: object) -> None:
    """Change fields of every candidate of a quality file."""
    data = json.loads(file.read_text())
    data["results"] = [candidate | fields for candidate in data["results"]]
    file.write_text(json.dumps(data))


def test_quality_of_an_artifact_names_its_bundle(
    release: Path, images: Path, mobile_bundle: Bundle, run_cli: RunCli
) -> None:
    quality = release / "new.json"
    chosen = ("--artifact", "onnx-fp32-tile", "--runtime", "ort", "--json", quality)
    assert run_cli("eval", release / "bundle", "--data", images, *chosen)[0] == 0
    candidates = json.loads(quality.read_text())["results"]
    identity = bundle_identity(open_bundle(release / "bundle")).manifest_sha256
    assert [one["bundle"] for one in candidates] == [None, identity]
    arguments = ("--output", release / "r.html", "--quality", quality)
    assert run_cli("report", release / "bundle", *arguments)[0] == 0
    (release / "r.html").unlink()
    refused(run_cli, release, "report", mobile_bundle.root, *arguments, naming=f"{quality}: was measured on another")
    edit(quality, bundle="0" * 64)
    refused(run_cli, release, "report", release / "bundle", *arguments, naming="was measured on another bundle")


def test_quality_of_0_1_0_is_known_by_its_file(release: Path, mobile_bundle: Bundle, run_cli: RunCli) -> None:
    arguments = ("--output", release / "r.html", "--quality", release / "quality.json")
    refused(run_cli, release, "report", mobile_bundle.root, *arguments, naming="was measured on another bundle")
    edit(release / "quality.json", sha256="0" * 64)
    refused(run_cli, release, "report", release / "bundle", *arguments, naming="was measured on another bundle")


def test_quality_of_the_checkpoint_belongs_to_its_bundle(release: Path, run_cli: RunCli) -> None:
    checkpoint = open_bundle(release / "bundle").manifest.checkpoint.sha256
    edit(release / "quality.json", sha256=checkpoint, artifact=None, runtime=None)
    arguments = ("--output", release / "r.html", "--quality", release / "quality.json")
    assert run_cli("report", release / "bundle", *arguments)[0] == 0


def test_latency_of_another_bundle_is_unlike(tmp_path: Path, run_cli: RunCli) -> None:
    old = made_up_results([10])
    new = replace(made_up_results([10], seed=1), bundle=replace(old.bundle, manifest_sha256="f" * 64))
    files = (written(tmp_path, old, "old.json"), written(tmp_path, new, "new.json"))
    refused(run_cli, tmp_path, "compare", *files, naming="the bundle was g (manifest 0), is g (manifest ffffffffffff)")
    code, out, _ = run_cli("compare", *files, "--unlike")
    assert code == 0
    assert "different conditions: the bundle was g" in out
    assert compare_results(old, new, limit=0.05, unlike=True).unlike == (
        "the bundle was g (manifest 0), is g (manifest ffffffffffff)",
    )


def test_bench_against_another_bundle_measures_nothing(release: Path, mobile_bundle: Bundle, run_cli: RunCli) -> None:
    against = ("--against", release / "latency.json", "--json", release / "new.json")
    refused(run_cli, release, "bench", mobile_bundle.root, *against, naming="the bundle was small (manifest ")


def test_a_path_is_measured_once_by_whatever_name(images: Path, release: Path) -> None:
    bundle = release / "bundle"
    candidates = candidates_from_paths([bundle, release / "." / "bundle", bundle], read_image_set(images))
    assert [one.artifact for one in candidates] == [None, "onnx-fp32-tile"]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (lambda text: positive_integers("--threads", text), "9" * 10),
        (lambda text: positive_integers("--threads", text), "9" * 5000),
        (parse_size, f"8x{'9' * 5000}"),
        (lambda text: parse_bytes("--memory", text), f"{'9' * 400}GB"),
        (lambda text: parse_percent("--limit", text), f"{'9' * 400}%"),
        (lambda text: parse_percent("--limit", text), "nan"),
    ],
)
def test_numbers_beyond_reason_are_refused(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(InputError, match="give "):
        parse(text)


def test_repeated_values_count_once(tmp_path: Path, run_cli: RunCli, release: Path) -> None:
    assert positive_integers("--threads", "1,1,2,1") == [1, 2]
    assert comma_separated("fp32, fp32,int8") == ("fp32", "int8")
    options = (
        "--threads",
        "1,1",
        "--calls",
        1,
        "--seconds",
        0,
        "--rounds",
        1,
        "--artifact",
        "onnx-fp32-tile",
        "--runtime",
        "ort",
    )
    assert run_cli("bench", release / "bundle", *options, "--json", tmp_path / "l.json")[0] == 0
    assert len(json.loads((tmp_path / "l.json").read_text())["results"]) == 1


@pytest.mark.parametrize("seconds", ["nan", "inf"])
def test_endless_measurements_are_refused(release: Path, run_cli: RunCli, seconds: str) -> None:
    refused(run_cli, release, "bench", release / "bundle", "--seconds", seconds, naming="seconds")
    with pytest.raises(InputError, match=f"seconds is {seconds}"):
        LatencySettings(seconds=float(seconds))

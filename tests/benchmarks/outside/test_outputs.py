"""The outputs of runners other than edgesr: right ones pass, and every fault is found with its figure."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgesr.benchmarks.outside.index import read_index
from edgesr.benchmarks.outside.raw_goldens import write_raw_goldens
from edgesr.benchmarks.parity.check import GoldenParity, check_parity
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.quality.metrics import psnr
from edgesr.benchmarks.report.builder import build_report
from edgesr.benchmarks.report.data import ReportFiles, of_device, read_data
from edgesr.benchmarks.report.summary import Counts, parity_counts, summary_table
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.runs.options import ParityOptions
from edgesr.benchmarks.runs.parity import run_parity
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import InputError
from tests.benchmarks.outside.plain_runner import Change, change_file, run_all
from tests.helpers.cli_refusals import RunCli, refused
from tests.helpers.places import RELEASED_BUNDLE

FULL, TILE = "onnx-fp32-full", "onnx-fp32-tile"
OUTPUT = (1, 3, 48, 64)


@pytest.fixture(scope="module")
def goldens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_raw_goldens(open_bundle(RELEASED_BUNDLE), tmp_path_factory.mktemp("raw") / "goldens").folder


@pytest.fixture(scope="module")
def right(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs that a plain script of ONNX Runtime and LiteRT gives; do not change them."""
    out = tmp_path_factory.mktemp("right")
    assert len(run_all(RELEASED_BUNDLE, goldens, out, formats=("onnx", "tflite"))) == 12
    return out


@pytest.fixture
def out(right: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(right, tmp_path / "out"))


def by_artifact(results: ParityResults) -> dict[str, Any]:
    return {result.key.artifact: result for result in results.results}


def decibels(golden: GoldenParity) -> float:
    """The decibels; inf for identical images, as a flat image is where the projection leaves nothing of a residual."""
    return math.inf if golden.psnr_db is None else golden.psnr_db


def test_right_outputs_pass_with_the_figures_of_our_own_runs(right: Path, tmp_path: Path, run_cli: RunCli) -> None:
    file = tmp_path / "p.json"
    options = ("--outputs", right, "--runner-name", "a script 1.0", "--json", file)
    code, shown, err = run_cli("parity", RELEASED_BUNDLE, *options)
    assert code == 0, (shown, err)
    assert " outside: " in shown
    results = read_results(ParityResults, file)
    assert results.passed
    bundle, found = open_bundle(RELEASED_BUNDLE), by_artifact(results)
    assert {(r.key.device, r.key.runtime) for r in found.values()} == {("outside", "outside: a script 1.0")}
    for artifact, runtime in ((FULL, "ort"), (TILE, "ort"), ("tflite-fp32-tile-zero-12x16", "tflite")):
        ours = check_parity(bundle, bundle.artifact(artifact), runtime=runtime, threads=1)
        theirs = found[artifact].parity
        assert [golden.golden for golden in theirs.goldens] == [golden.golden for golden in ours.goldens]
        for one, other in zip(theirs.goldens, ours.goldens, strict=True):
            assert decibels(one) == pytest.approx(decibels(other), abs=3)
            assert decibels(one) > 130
            assert one.max_abs_error == pytest.approx(other.max_abs_error, abs=1e-3)
            assert (one.k, one.bilinear_psnr_db) == (other.k, other.bilinear_psnr_db)
    assert found["torchscript-fp32-tile"].status == "not run"
    page = build_report(bundle, ReportFiles(parity=file), pictures=False).html
    assert "--outputs DIR" in page and "outside: a script 1.0" in page
    data = read_data(bundle, ReportFiles(parity=file))
    summary = {row[:4] for row in summary_table(of_device(data, "outside")).rows}
    states = {"torchscript-fp32-tile": "not run"}
    assert summary == {(name, "outside: a script 1.0", "fp32", states.get(name, "pass")) for name in found}
    assert parity_counts(data) == Counts(passed=4, failed=0, unknown=1)


def test_one_changed_weight_is_a_miss_with_its_figure(goldens: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """The runner runs another file than the bundle's."""
    models = Path(shutil.copytree(RELEASED_BUNDLE, tmp_path / "models"))
    model = onnx.load(models / f"{FULL}.onnx")
    weight = next(one for one in model.graph.initializer if len(one.dims) == 4)
    changed = numpy_helper.to_array(weight).copy()
    changed[0, 0, 0, 0] += 0.05
    weight.CopyFrom(numpy_helper.from_array(changed, weight.name))
    onnx.save(model, models / f"{FULL}.onnx")
    run_all(models, goldens, tmp_path / "out", formats=("onnx",), only=FULL)
    code, _, _ = run_cli("parity", RELEASED_BUNDLE, "--outputs", tmp_path / "out", "--json", tmp_path / "p.json")
    assert code == 1
    found = by_artifact(read_results(ParityResults, tmp_path / "p.json"))[FULL]
    assert (found.status, found.passed) == ("done", False)
    photograph = found.parity.goldens[0]
    written, expected = (
        np.fromfile(path, "<f4").reshape(OUTPUT[1:])
        for path in (tmp_path / "out" / FULL / "photograph.output.bin", goldens / "NCHW/photograph.output.bin")
    )
    assert photograph.psnr_db == pytest.approx(psnr(written, expected), abs=1e-9)
    assert 20 < photograph.psnr_db < 95
    assert any(f"PSNR {photograph.psnr_db:.1f} dB is below 95" in failure for failure in photograph.failures)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda batch: batch[:, ::-1], "mean shift"),
        (lambda batch: batch.transpose(0, 2, 3, 1), "worse than bilinear upsampling"),
        (lambda batch: batch / 255, "mean shift"),
        (lambda batch: np.where(np.arange(64) == 63, batch + 1, batch), "border error 1 is above 0.05"),
        (
            lambda batch: np.where(batch == batch.max(), np.nan, batch),
            "1 of 9216 values of the output are NaN",
        ),
    ],
    ids=["swapped channels", "NHWC", "of 0 to 1", "border", "NaN"],
)
def test_faults_of_outputs_are_found(out: Path, change: Change, message: str) -> None:
    change_file(out / FULL / "photograph.output.bin", OUTPUT, change)
    results = run_parity(open_bundle(RELEASED_BUNDLE), ParityOptions(outputs=out))
    assert not results.passed
    found = by_artifact(results)
    photograph, *others = found[FULL].parity.goldens
    assert any(message in failure for failure in photograph.failures), photograph.failures
    assert not any(golden.failures for golden in others)
    assert found[TILE].passed


def test_a_residual_with_another_sign_is_found(out: Path) -> None:
    change_file(out / TILE / "photograph.residual.bin", OUTPUT, lambda batch: -batch)
    found = by_artifact(run_parity(open_bundle(RELEASED_BUNDLE), ParityOptions(outputs=out)))
    failures = found[TILE].parity.goldens[0].failures
    assert any(failure.startswith("residual: PSNR") for failure in failures), failures


def test_what_was_not_written_is_told_and_fails_nothing(out: Path, tmp_path: Path, run_cli: RunCli) -> None:
    (out / FULL / "flat.output.bin").unlink()
    shutil.rmtree(out / TILE)
    code, shown, err = run_cli("parity", RELEASED_BUNDLE, "--outputs", out, "--json", tmp_path / "p.json")
    assert code == 0, err
    assert f"{FULL}: not run: no output of flat" in shown
    assert f"{TILE}: not run: no output of it in {out / TILE}" in shown
    found = by_artifact(read_results(ParityResults, tmp_path / "p.json"))
    assert (found[FULL].parity.not_run, found[FULL].passed) == (("flat",), True)
    assert (found[TILE].status, found[TILE].passed, found[TILE].parity) == ("not run", False, None)
    row = next(line.split() for line in shown.splitlines() if line.strip().startswith(FULL))
    assert row[-2:] == ["not", "run"]


def longer(out: Path) -> Path:
    path = out / FULL / "flat.output.bin"
    path.write_bytes(path.read_bytes() + bytes(4))
    return path


def another_name(out: Path) -> Path:
    return (out / FULL / "flat.output.bin").rename(out / FULL / "flat.bin")


def other_model(out: Path) -> Path:
    return (out / FULL).rename(out / "onnx-fp64-full")


def log_file(out: Path) -> Path:
    (out / "log.txt").touch()
    return out / "log.txt"


def folder_as_file(out: Path) -> Path:
    path = out / FULL / "flat.output.bin"
    path.unlink()
    path.mkdir()
    return path


def empty(out: Path) -> Path:
    shutil.rmtree(out)
    out.mkdir()
    return out


def absent(out: Path) -> Path:
    shutil.rmtree(out)
    return out


@pytest.mark.parametrize("damage", [longer, another_name, other_model, log_file, folder_as_file, empty, absent])
def test_files_that_belong_to_no_output_are_refused(out: Path, damage: Callable[[Path], Path], run_cli: RunCli) -> None:
    path = damage(out)
    options = ("--outputs", out, "--json", out.parent / "p.json")
    refused(run_cli, out.parent, "parity", RELEASED_BUNDLE, *options, naming=path)


def test_results_are_not_written_among_the_outputs(out: Path, run_cli: RunCli) -> None:
    for file in (out / "p.json", out / FULL / "flat.output.bin"):
        options = ("--outputs", out, "--json", file)
        refused(run_cli, out.parent, "parity", RELEASED_BUNDLE, *options, naming=f"{file}: is in the folder of outputs")


def test_a_wrong_size_tells_what_is_needed(out: Path, run_cli: RunCli) -> None:
    longer(out)
    needed = "has 36,868 bytes, need 36,864: float32 of 1x3x48x64 (NCHW), without a header"
    refused(run_cli, out.parent, "parity", RELEASED_BUNDLE, "--outputs", out, naming=needed)


def test_options_that_contradict_each_other_are_refused(right: Path) -> None:
    for options in ({"runtime": "ort"}, {"provider": "cuda"}, {"device": "arm64:cortex-a53"}, {"device_python": "p"}):
        with pytest.raises(InputError, match="runs nothing"):
            ParityOptions(outputs=right, **options)
    with pytest.raises(InputError, match="--outputs DIR"):
        ParityOptions(runner_name="a script")
    with pytest.raises(InputError, match="--runner-name is empty"):
        ParityOptions(outputs=right, runner_name=" ")


@pytest.mark.slow
def test_lower_precision_is_judged_by_its_own_tolerance(quantized_bundle: Bundle, tmp_path: Path) -> None:
    """Files in int8 take and give float32, too."""
    goldens = write_raw_goldens(quantized_bundle, tmp_path / "raw").folder
    for only in ("onnx-int8-tile", "tflite-int8-tile", "tflite-w8d-tile"):
        assert run_all(quantized_bundle.root, goldens, tmp_path / "out", formats=("onnx", "tflite"), only=only)
    found = by_artifact(run_parity(quantized_bundle, ParityOptions(outputs=tmp_path / "out")))
    for artifact in ("onnx-int8-tile", "tflite-int8-tile-64x64", "tflite-w8d-tile-64x64"):
        assert found[artifact].passed
        assert 37 < min(golden.psnr_db for golden in found[artifact].parity.goldens) < 90
    calls = [call for artifact in read_index(goldens).artifacts for call in artifact.calls]
    assert {tensor.dtype for call in calls for tensor in (*call.inputs, call.expected)} == {"float32"}

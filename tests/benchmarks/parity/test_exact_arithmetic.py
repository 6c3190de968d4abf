"""The flat-tile rule, and the second run in exact arithmetic."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import edgesr.benchmarks.parity.check
from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.parity.check import ArtifactParity, check_parity
from edgesr.benchmarks.parity.comparison import ONE_LEVEL_PSNR_DB, Comparison, compare, flat_tile_failure
from edgesr.benchmarks.parity.on_devices import check_on_devices
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.benchmarks.tables.parity import difference_causes, golden_table, parity_table
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Artifact, Glue, Precision, Tolerance
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.bundle.writing import file_entry
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.json_records import decode, to_json
from tests.helpers.small_bundle import fill

LOOSE = Tolerance(min_psnr_db=0, max_abs_error=255, max_mean_shift=255, max_border_error=255)


def off_by(value: float) -> Comparison:
    reference = np.full((3, 8, 8), 100, dtype=np.float32)
    return compare(reference + np.float32(value), reference, LOOSE, ring=1)


def test_flat_tile_rule_by_hand() -> None:
    """Errors of 2 levels and of one have 42.11 and 48.13 dB."""
    assert pytest.approx(48.13, abs=0.005) == ONE_LEVEL_PSNR_DB
    assert flat_tile_failure(off_by(2), 42.2) == "PSNR 42.11 dB is worse than bilinear upsampling (42.20 dB)"
    assert flat_tile_failure(off_by(2), 42.0) is None
    assert flat_tile_failure(off_by(1.25), float("inf")) == "PSNR 46.19 dB is worse than bilinear upsampling (inf dB)"
    assert flat_tile_failure(off_by(1.01), 60) is not None
    assert flat_tile_failure(off_by(0.99), 60) is None
    assert flat_tile_failure(off_by(0), float("inf")) is None


def made_up(folder: Path, precision: Precision, graph: str = "full") -> Bundle:
    """A bundle of one artifact of that precision, whose golden is 10 levels from bilinear upsampling."""
    manifest = fill(folder, precision=precision, graph=graph)
    lr = np.random.default_rng(0).uniform(50, 200, (3, 2, 3)).astype(np.float32)
    up = upsample_bilinear(lr, 4)
    residual = np.full_like(up, 10)
    for name, values in (("input", lr), ("output", up - residual), ("residual", residual)):
        np.save(folder / f"{name}.npy", values)
    golden = replace(
        manifest.goldens[0],
        input=file_entry(folder, folder / "input.npy"),
        output=file_entry(folder, folder / "output.npy"),
        residual=file_entry(folder, folder / "residual.npy"),
        tolerances={precision: LOOSE},
    )
    glue = Glue(upsample="bilinear", noise_level=None, alpha=None)
    return Bundle(folder, replace(manifest, goldens=(golden,), glue=glue))


@dataclass(frozen=True)
class MadeUpSession:
    """Gives the golden (or its residual), ``error`` levels off."""

    artifact: Artifact
    answer: Image
    error: float
    runtime: str = "ort"

    def infer(self, _image: Image) -> Image:
        return self.answer + np.float32(self.error)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[bool]]:
    """Make sessions off by ``host`` as this CPU computes, by ``exact`` in exact arithmetic; lists what was opened."""

    def set_errors(bundle: Bundle, *, host: float, exact: float) -> list[bool]:
        opened: list[bool] = []
        golden = bundle.manifest.goldens[0]

        def opening(_: Bundle, artifact: Artifact, *, exact: bool = False, **_options: object) -> MadeUpSession:
            opened.append(exact)
            answer = bundle.tensor(golden.output if artifact.graph == "full" else golden.residual)
            return MadeUpSession(artifact, answer, errors[exact])

        errors = {False: host, True: exact}
        monkeypatch.setattr(edgesr.benchmarks.parity.check, "open_session", opening)
        return opened

    return set_errors


def parity_of(bundle: Bundle) -> ArtifactParity:
    return check_parity(bundle, bundle.manifest.artifacts[0], runtime="ort", threads=1)


@pytest.mark.parametrize("graph", ["full", "tile"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_nothing_may_be_worse_than_bilinear(
    precision: Precision, graph: str, tmp_path: Path, answers: Callable[..., list[bool]]
) -> None:
    """Bilinear upsampling is 10 levels off: 9 pass, 11 fail, though the tolerance allows them."""
    bundle = made_up(tmp_path, precision, graph)
    for error, failed in ((9, False), (11, True)):
        answers(bundle, host=error, exact=0)
        (golden,) = parity_of(bundle).goldens
        assert golden.bilinear_psnr_db == pytest.approx(28.13, abs=0.005)
        assert any("is worse than bilinear upsampling (28.13 dB)" in f for f in golden.failures) is failed
        assert bool(golden.failures) is failed


@pytest.mark.parametrize(("precision", "residual_counts"), [("fp32", True), ("fp16", False), ("w8d", False)])
def test_residual_counts_in_float32_only(
    precision: Precision, residual_counts: bool, tmp_path: Path, answers: Callable[..., list[bool]]
) -> None:
    bundle = made_up(tmp_path, precision, "tile")
    tolerance = replace(LOOSE, max_abs_error=1)
    golden = replace(bundle.manifest.goldens[0], tolerances={precision: tolerance})
    answers(bundle, host=2, exact=2)
    (result,) = parity_of(replace(bundle, manifest=replace(bundle.manifest, goldens=(golden,)))).goldens
    assert result.residual_psnr_db == pytest.approx(42.11, abs=0.005)
    assert result.failures[0].startswith("max error 2")
    assert any(f.startswith("residual: ") for f in result.failures) is residual_counts


@pytest.mark.parametrize(
    ("precision", "twice"),
    [("fp32", 0), ("fp16", 0), ("w8", 0), ("fp16a", 1), ("int8", 1), ("w8d", 1), ("w8a16", 1)],
)
def test_what_depends_on_the_cpu_is_computed_twice(
    precision: Precision, twice: int, tmp_path: Path, answers: Callable[..., list[bool]]
) -> None:
    bundle = made_up(tmp_path, precision)
    opened = answers(bundle, host=3, exact=1)
    parity = parity_of(bundle)
    (golden,) = parity.goldens
    assert opened == [False, True][: 1 + twice]
    assert golden.psnr_db == pytest.approx(38.59, abs=0.005)
    if twice:
        assert golden.exact_psnr_db == pytest.approx(48.13, abs=0.005)
        assert golden.exact_max_difference == pytest.approx(2, abs=1e-4)
        assert parity.difference_cause is not None
    else:
        assert (golden.exact_psnr_db, golden.exact_max_difference, parity.difference_cause) == (None, None, None)


def test_exact_arithmetic_has_to_pass_too(tmp_path: Path, answers: Callable[..., list[bool]]) -> None:
    bundle = made_up(tmp_path, "int8")
    answers(bundle, host=1, exact=20)
    (golden,) = parity_of(bundle).goldens
    assert golden.failures == ("exact arithmetic: PSNR 22.11 dB is worse than bilinear upsampling (28.13 dB)",)
    answers(bundle, host=1, exact=float("nan"))
    parity = parity_of(bundle)
    (golden,) = parity.goldens
    assert (golden.exact_psnr_db, golden.exact_max_difference, parity.difference_cause) == (None, None, None)
    assert "exact arithmetic: 288 of 288 values of the output are NaN or infinite" in golden.failures[0]


def test_tables_name_the_difference(
    tmp_path: Path,
    answers: Callable[..., list[bool]],
    run_cli: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At 160 columns, with the longest names."""
    bundle = made_up(tmp_path, "int8")
    answers(bundle, host=4, exact=1)
    once = replace(parity_of(bundle), difference_cause="because")

    class Answering(Device):
        name = "host"

        def run(self, _job: Job) -> Outcome:
            return Outcome(status="done", reason=None, result=json.loads(to_json(once)))

    (bundle.root / "manifest.json").write_text(to_json(bundle.manifest))
    artifact = replace(bundle.manifest.artifacts[0], id="tflite-w8a16-tile-128x128")
    results = check_on_devices(bundle, [Answering()], artifacts=[(artifact, "torchscript")])
    write_json(results, tmp_path / "p.json")
    assert decode(ParityResults, json.loads((tmp_path / "p.json").read_text())) == results
    table = parity_table(results)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row["worst PSNR dB"], row["bilinear dB"], row["exact dB"], row["CPU vs exact"]) == (
        "36.1",
        "28.1",
        "48.1",
        "3",
    )
    assert sum(max(map(len, pair)) + 3 for pair in row.items()) - 3 <= 160
    assert golden_table(results).rows == (("tflite-w8a16-tile-128x128", "36.1"),)
    assert difference_causes(results) == [
        "tflite-w8a16-tile-128x128 (torchscript) differs from exact arithmetic by up to 3: because"
    ]
    assert not_measured(results) == []
    monkeypatch.setattr("edgesr.benchmarks.runs.parity.run_parity", lambda *_, **__: results)
    code, out, _ = run_cli("parity", tmp_path)
    assert code == 0
    assert out.endswith(f"\n{difference_causes(results)[0]}\n")


def test_worker_computes_both(mobile_bundle: Bundle, tmp_path: Path) -> None:
    """Float32 files that say int8, in a worker process: the second run is there and agrees."""
    names = ("onnx-fp32-full", "onnx-fp32-tile", "tflite-fp32-tile-64x64")
    artifacts = tuple(replace(mobile_bundle.artifact(name), precision="int8") for name in names)
    goldens = tuple(replace(g, tolerances={"int8": g.tolerances["fp32"]}) for g in mobile_bundle.manifest.goldens)
    manifest = replace(mobile_bundle.manifest, artifacts=artifacts, goldens=goldens)
    shutil.copytree(mobile_bundle.root, tmp_path / "bundle")
    (tmp_path / "bundle" / "manifest.json").write_text(to_json(manifest))
    bundle = open_bundle(tmp_path / "bundle")
    results = check_on_devices(bundle, [HostDevice()], artifacts=[(a, a.runtimes[0]) for a in artifacts])
    assert results.passed, not_measured(results)
    assert difference_causes(results) == []
    for result in results.results:
        assert result.parity is not None
        for golden in result.parity.goldens:
            assert golden.exact_max_difference is not None
            assert golden.exact_max_difference <= 0.01
            assert golden.exact_psnr_db is None or golden.exact_psnr_db >= 95

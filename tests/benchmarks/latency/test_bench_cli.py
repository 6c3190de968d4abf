"""The command line of bench: interruption, the settings of MLPerf, rounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.quality.image_pairs import ImageSet
from edgesr.benchmarks.runs.options import CompareOptions, PhotographOptions, ProfileOptions
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import decode
from edgesr.sr_model.evaluation.evaluate import candidates_from_paths
from tests.helpers.made_up_latency import MadeUpDevice


def test_bench_command_is_interrupted(
    mobile_bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_cli: Callable[..., tuple[int, str, str]],
) -> None:
    device = MadeUpDevice(onnx_fp32_tile=[10, 0])
    monkeypatch.setattr("edgesr.benchmarks.devices.host.HostDevice", lambda: device)
    file = tmp_path / "l.json"
    code, out, err = run_cli(
        "bench", mobile_bundle.root, "--artifact", "onnx-fp32-tile", "--runtime", "ort", "--json", file
    )
    assert (code, "interrupted" in err, "onnx-fp32" in out) == (130, True, True)
    results = decode(LatencyResults, json.loads(file.read_text()))
    assert (results.complete, results.rounds, len(results.results)) == (False, 5, 1)


def test_mlperf_needs_1024_calls_and_60_seconds_over_all_rounds(
    mobile_bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_cli: Callable[..., tuple[int, str, str]],
) -> None:
    device = MadeUpDevice(onnx_fp32_tile=[10, 10, 10])
    monkeypatch.setattr("edgesr.benchmarks.devices.host.HostDevice", lambda: device)
    file = tmp_path / "l.json"
    options = ("--artifact", "onnx-fp32-tile", "--runtime", "ort", "--json", file, "--mlperf", "--rounds", 3, "--pin")
    code, out, _ = run_cli("bench", mobile_bundle.root, *options)
    assert code == 0
    assert "p90 counts" in out
    assert "95% of p90" in out
    settings = decode(LatencyResults, json.loads(file.read_text())).settings
    assert (settings.calls, settings.seconds, settings.pin, settings.mlperf) == (342, 20.0, True, True)


def test_bench_command_runs_rounds(
    mobile_bundle: Bundle, tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    options = (
        "--artifact",
        "onnx-fp32-tile",
        "--runtime",
        "ort",
        "--calls",
        2,
        "--seconds",
        0,
        "--json",
        tmp_path / "l.json",
    )
    code, out, _ = run_cli("bench", mobile_bundle.root, *options, "--rounds", 2)
    assert code == 0
    assert "vs fp32" in out
    results = decode(LatencyResults, json.loads((tmp_path / "l.json").read_text()))
    latency = results.results[0].latency
    assert latency is not None
    assert (results.rounds, len(latency.rounds_p50_ms), [len(s) for s in latency.samples_ms]) == (2, 2, [2, 2])
    assert results.limits[0].sgemm_gflops > 0
    assert "sgemm" in out
    assert results.results[0].ratio_to_fp32 == 1.0
    assert run_cli("bench", mobile_bundle.root, "--rounds", 0)[0] == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: CompareOptions(limit=float("nan")),
        lambda: CompareOptions(limit=-0.1),
        lambda: PhotographOptions(size=(-3, 5)),
        lambda: PhotographOptions(size=(8, 8), memory_bytes=0),
        lambda: ProfileOptions(calls=0),
        lambda: candidates_from_paths([], ImageSet(Path(), (), ())),
    ],
)
def test_options_check_themselves(make: Callable[[], object]) -> None:
    with pytest.raises(InputError):
        make()

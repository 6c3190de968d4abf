"""Metrics, latency, workers and result files."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.devices.process_exit import describe_exit
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.latency.call import measure_latency
from edgesr.benchmarks.latency.results import LatencyResults, run_latency
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.machine.environment import current_environment, parse_x86_features
from edgesr.benchmarks.machine.memory import peak_rss_bytes
from edgesr.benchmarks.parity.on_devices import check_on_devices
from edgesr.benchmarks.quality.metrics import (
    border_max_abs_error,
    channel_mean_shift,
    crop_border,
    luma,
    max_abs_error,
    psnr,
)
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.tables.latency import latency_table
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.benchmarks.worker import run_job
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.json_records import decode

QUICK = LatencySettings(calls=3, seconds=0.0, warmup_seconds=0.2)


def image(value: float = 0.0, shape: tuple[int, int, int] = (3, 8, 10)) -> NDArray[np.float32]:
    return np.full(shape, value, dtype=np.float32)


def test_psnr_by_hand() -> None:
    assert psnr(image(1), image(0)) == pytest.approx(20 * math.log10(255))
    assert psnr(image(5), image(5)) == math.inf
    broken = image()
    broken[0, 0, 0] = np.inf
    assert math.isnan(psnr(broken, image()))


def test_errors_by_hand() -> None:
    changed = image()
    changed[1, 0, 4] = -2
    changed[2, 4, 5] = 3
    assert max_abs_error(changed, image()) == 3
    assert border_max_abs_error(changed, image(), ring=2) == 2
    assert border_max_abs_error(changed, image(), ring=5) == 3
    assert channel_mean_shift(changed, image()) == pytest.approx([0, -2 / 80, 3 / 80])
    assert crop_border(changed, 2).shape == (3, 4, 6)


def test_luma_is_bt601() -> None:
    assert luma(image(255)).mean() == pytest.approx(235, abs=1e-3)
    assert luma(image(0)).mean() == 16
    green = np.array([0, 255, 0], dtype=np.float32).reshape(3, 1, 1)
    assert luma(green).item() == pytest.approx(16 + 128.553)


def test_latency_results_file(mobile_bundle: Bundle, tmp_path: Path) -> None:
    artifacts = select_artifacts(mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")
    results = run_latency(mobile_bundle, HostDevice(), artifacts=artifacts, threads=[1, 2], settings=QUICK)
    assert results.passed
    assert len({json.dumps(asdict(r.key)) for r in results.results}) == 2
    assert [r.key.threads for r in results.results] == [1, 2]
    write_json(results, tmp_path / "l.json")
    assert decode(LatencyResults, json.loads((tmp_path / "l.json").read_text())) == results
    table = latency_table(results)
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_latency_figures(mobile_bundle: Bundle) -> None:
    artifact = mobile_bundle.artifact("onnx-fp32-tile")
    latency = measure_latency(mobile_bundle, artifact, runtime="ort", threads=1, settings=QUICK)
    assert latency.size == (64, 64)
    assert len(latency.samples_ms) == 3
    assert latency.gmac == pytest.approx(7926 * 256 * 256 / 1e9)
    assert latency.pinned_cores == ()
    assert min(latency.load_ms, latency.first_call_ms) > 0
    assert latency.peak_rss_mb > 50


def test_worker_memory_is_its_own(mobile_bundle: Bundle) -> None:
    """A parent of several hundred MB does not show in the worker's peak, as it would in ru_maxrss."""
    ballast = np.ones(60_000_000)
    artifacts = select_artifacts(mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")
    results = run_latency(mobile_bundle, HostDevice(), artifacts=artifacts, threads=[1], settings=QUICK)
    latency = results.results[0].latency
    assert latency is not None
    assert latency.peak_rss_mb < 300 < ballast.nbytes / 1e6 < peak_rss_bytes() / 1e6


def job(bundle: Bundle, **changes: object) -> Job:
    fields: dict[str, object] = {
        "kind": "parity",
        "bundle": str(bundle.root),
        "artifact": "onnx-fp32-full",
        "runtime": "ort",
        "threads": 1,
    }
    return Job(**{**fields, **changes})  # type: ignore[arg-type]


def test_worker_outcomes(mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_job(job(mobile_bundle))
    assert (done.status, done.reason) == ("done", None)
    refused = run_job(job(mobile_bundle, artifact="nope"))
    assert refused.status == "error"
    assert refused.reason is not None
    assert "'nope'" in refused.reason
    monkeypatch.setattr("edgesr.runtimes.interface.runtime.installed_version", lambda _: None)
    missing = run_job(job(mobile_bundle))
    assert missing.status == "missing"
    assert missing.reason is not None
    assert "pip install" in missing.reason


RESULT = "while [ $# -gt 1 ]; do shift; done; "
"""Shell: the last argument of a worker, its result file, becomes $1."""


def fake_python(folder: Path, body: str) -> str:
    """A stand-in for the Python of a worker."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ("kill -SEGV $$", "crashed", "killed by SIGSEGV"),
        ("echo one >&2; echo last words >&2; exit 3", "crashed", "exit code 3: last words"),
        ("exit 0", "crashed", "exit code 0"),
        ("kill -KILL $$", "crashed", "killed by SIGKILL, as the system does when memory runs out"),
        ("printf '\\377\\376' >&2; exit 4", "crashed", "exit code 4: \ufffd\ufffd"),
        (
            RESULT + "echo hello > $1",
            "crashed",
            "invalid result: is not JSON: Expecting value: line 1 column 1 (char 0)",
        ),
        (RESULT + "echo '{}' > $1", "crashed", "invalid result: top level: missing reason, result, status"),
        (RESULT + "echo NaN > $1", "crashed", "invalid result: holds NaN, which is not JSON"),
        (
            RESULT + """echo '{"status": "done", "reason": null, "result": null}' > $1""",
            "crashed",
            "invalid result: top level: expected an object, found NoneType",
        ),
        ("sleep 30", "timeout", "no result after 0.2 s"),
    ],
)
def test_dying_worker_costs_its_row_only(
    body: str, status: str, reason: str, mobile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = select_artifacts(mobile_bundle, runtime="ort")
    real, fake = sys.executable, fake_python(tmp_path, body)
    device = HostDevice(timeout_seconds=60)
    calls: list[str] = []

    class Flaky(Device):
        name = "host"

        def run(self, given: Job) -> Outcome:
            calls.append(given.artifact)
            monkeypatch.setattr(sys, "executable", fake if len(calls) == 1 else real)
            return (replace(device, timeout_seconds=0.2) if len(calls) == 1 else device).run(given)

    results = check_on_devices(mobile_bundle, [Flaky()], artifacts=artifacts)
    assert [(r.status, r.passed) for r in results.results] == [(status, False), ("done", True)]
    assert results.results[0].reason == reason
    assert not results.passed
    assert not_measured(results) == [f"onnx-fp32-full: {status}: {reason}"]


def test_exit_descriptions() -> None:
    assert describe_exit(-9, "") == "killed by SIGKILL, as the system does when memory runs out"
    assert describe_exit(1, "a\n b \n\n") == "exit code 1: b"
    keras = "ValueError: layer 'add'\n\n  48 and 3\n\n Call arguments received by layer 'add':\n  • name=None\n"
    assert describe_exit(1, keras) == "exit code 1: 48 and 3"


def test_bundle_without_an_installed_runtime_is_an_error(mobile_bundle: Bundle) -> None:
    class Bare(Device):
        name = "bare"

        def run(self, _job: Job) -> Outcome:
            return Outcome(status="missing", reason="runtime 'ort' is not installed", result=None)

    with pytest.raises(EdgesrError, match="no runtime of this bundle runs here"):
        check_on_devices(mobile_bundle, [Bare()], artifacts=select_artifacts(mobile_bundle))
    with pytest.raises(InputError, match="nothing to measure on runtime 'tflite': onnx-fp32-full runs in openvino"):
        select_artifacts(mobile_bundle, artifact="onnx-fp32-full", runtime="tflite")


def test_environment_is_recorded() -> None:
    environment = current_environment()
    assert environment.logical_cores >= 1
    assert {"numpy", "pillow", "edgesr"} <= set(environment.packages)
    assert all(asdict(environment).values())


def test_features_of_an_x86_cpu() -> None:
    x86 = "processor\t: 0\nflags\t\t: fpu avx2 avx512_vnni\nvmx flags\t: vnmi\n\nprocessor\t: 1\nflags\t\t: fpu\n"
    assert parse_x86_features(x86) == frozenset({"fpu", "avx2", "avx512_vnni"})
    assert parse_x86_features("processor\t: 0\nFeatures\t: fp asimd\n") is None
    assert parse_x86_features("") is None

"""Counting on devices: what is refused first, what a failure and Ctrl-C leave, with this host as the guest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.emulated_x86 import EmulatedX86Device
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.latency.instruction_results import Counted, count_jobs, count_on_devices
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.results.writing import write_json
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError, MissingPackageError
from tests.benchmarks.latency.test_instructions import filled, result
from tests.helpers.arm64.host_guest import CRASH, RECORD, HostGuest, device


def test_what_cannot_be_compared_is_refused_before_counting(
    mobile_bundle: Bundle, run_cli: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def count(*_: object, **__: object) -> None:
        raise AssertionError("nothing is to be counted")

    monkeypatch.setattr("edgesr.benchmarks.devices.arm64.device.open_arm64", lambda _: device())
    monkeypatch.setattr("edgesr.benchmarks.runs.bench.count_jobs", count)
    file = tmp_path / "old.json"
    arguments = ("bench", mobile_bundle.root, "--device", "arm64:cortex-a76", "--against", file)
    write_json(filled(mobile_bundle, []), file)
    code, _, error = run_cli(*arguments)
    assert (code, "has no instruction counts to compare with" in error) == (2, True)
    write_json(filled(mobile_bundle, [result("onnx-fp32-tile", 10)]), file)
    code, _, error = run_cli(*arguments)
    assert (code, "arm64:cortex-a76 packages.numpy was 2, is 2.3.5" in error) == (2, True)


def test_ctrl_c_before_anything_was_counted_writes_nothing(
    mobile_bundle: Bundle, run_cli: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("edgesr.benchmarks.devices.arm64.device.open_arm64", lambda _: device())
    monkeypatch.setattr("edgesr.benchmarks.runs.bench.count_jobs", lambda *_: [("device", "artifact", "runtime")])
    monkeypatch.setattr(
        "edgesr.benchmarks.runs.bench.count_on_devices",
        lambda *_, **__: Counted(results=(), complete=False),
    )
    file = tmp_path / "counts.json"
    code, _, _ = run_cli("bench", mobile_bundle.root, "--device", "arm64:cortex-a76", "--json", file)
    assert (code, file.exists()) == (130, False)


def test_what_cannot_be_counted_is_refused_first(
    mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pairs = select_artifacts(mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")
    with pytest.raises(InputError, match="x86-64:haswell: instructions are counted on arm64 alone"):
        count_jobs([EmulatedX86Device(HostGuest(Path("guest"), RECORD))], pairs)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MissingPackageError, match="needs a C compiler"):
        count_jobs([device()], pairs)


def test_counting_needs_the_plugin(mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("edgesr.benchmarks.devices.arm64.device.compiled_plugin", lambda: tmp_path / "plugin.so")
    (pair,) = select_artifacts(mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")
    counted = count_on_devices(mobile_bundle, [(device(), *pair), (HostDevice(), *pair), (device("-c", CRASH), *pair)])
    assert counted.complete
    reasons = [(r.status, r.reason) for r in counted.results]
    assert reasons[0][0] == "error"
    assert "no instructions were counted" in str(reasons[0][1])
    assert reasons[1] == ("error", "instructions are counted on an emulated device only, such as arm64:cortex-a76")
    assert reasons[2] == ("crashed", "killed by SIGSEGV")
    assert all(r.ratio_to_fp32 is None for r in counted.results)


def test_ctrl_c_keeps_what_was_counted(mobile_bundle: Bundle) -> None:
    (pair,) = select_artifacts(mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")

    class Interrupted(HostDevice):
        def run(self, job: Job) -> Outcome:
            raise KeyboardInterrupt

    counted = count_on_devices(mobile_bundle, [(HostDevice(), *pair), (Interrupted(), *pair)])
    assert not counted.complete
    assert len(counted.results) == 1

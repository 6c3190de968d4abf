"""Google's adbd for Linux as a device: parity and latency on it, and what can go wrong."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgesr.benchmarks.devices.registry import opened_devices
from edgesr.benchmarks.jobs import Outcome
from edgesr.benchmarks.latency.call import LATENCY
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.runs.bench import run_bench
from edgesr.benchmarks.runs.options import BenchOptions, ParityOptions
from edgesr.benchmarks.runs.parity import run_parity
from edgesr.benchmarks.tables.latency import latency_table
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from tests.helpers.boxes.needs import running
from tests.helpers.cli_refusals import RunCli

if TYPE_CHECKING:
    from tests.helpers.boxes.adbd import AdbdDevice

pytest_plugins = ("tests.helpers.boxes.fixtures",)
pytestmark = pytest.mark.slow

DEVICE = "adb:127.0.0.1:6555"
CHOSEN = {
    **dict.fromkeys(("onnx-fp32-tile", "onnx-int8-tile"), "ort"),
    **dict.fromkeys(("tflite-fp32-tile-64x64", "tflite-int8-tile-64x64"), "tflite"),
}


def test_parity_and_latency_of_four_artifacts(on_adbd: AdbdDevice, quantized_bundle: Bundle) -> None:
    for artifact, runtime in CHOSEN.items():
        found = run_parity(quantized_bundle, ParityOptions(artifact=artifact, runtime=runtime, device=DEVICE))
        assert found.passed and [one.key.device for one in found.results] == ["host", DEVICE]
        assert found.differences[0].identical_goldens == found.differences[0].goldens == 6
        assert [one.note for one in found.devices] == ["Linux builds on this device"]
        quick = BenchOptions(artifact=artifact, runtime=runtime, device=DEVICE, rounds=1, calls=3, seconds=0.0)
        timed = run_bench(quantized_bundle, quick)
        (latency,) = [one.latency for one in timed.results]
        assert latency is not None and latency.state is not None and latency.state.load is not None
        assert f"Latency on {DEVICE} (Linux builds on this device)" in latency_table(timed).title


def test_check_and_clean(on_adbd: AdbdDevice, quantized_bundle: Bundle, run_cli: RunCli) -> None:
    code, out, error = run_cli("devices", "check", DEVICE, quantized_bundle.root)
    lines = dict(line.split(": ", 1) for line in out.splitlines())
    assert (code, error, lines["note"]) == (0, "", "Linux builds on this device")
    assert lines["a worker"].startswith("runs: ") and lines["parity of onnx-fp32-tile"].endswith("dB, ort")
    code, out, _ = run_cli("devices", "clean", DEVICE)
    assert (code, on_adbd.cache.exists()) == (0, False)
    on_adbd.cache.mkdir()
    os.chown(on_adbd.cache, 2000, 2000)


@pytest.mark.parametrize("name", ["worker", "client", "connection"])
def test_what_ends_a_job_ends_all_of_it(name: str, on_adbd: AdbdDevice, quantized_bundle: Bundle) -> None:
    actions: dict[str, tuple[Callable[[int], object], str]] = {
        "worker": (lambda process: os.kill(process, signal.SIGSEGV), "killed by SIGSEGV"),
        "client": (lambda _: kill_client(), "the client program was killed by SIGKILL"),
        "connection": (lambda _: on_adbd.adb("disconnect", "127.0.0.1:6555"), "adb:127.0.0.1:6555: "),
    }
    act, reason = actions[name]
    settings = LatencySettings(calls=2, seconds=60.0)
    job = LATENCY.job(settings, bundle=quantized_bundle, artifact="onnx-fp32-tile", runtime="ort")
    outcomes: list[Outcome] = []
    with opened_devices(DEVICE) as (device,):
        thread = threading.Thread(target=lambda: outcomes.append(device.run(job)))
        thread.start()
        act(worker(on_adbd))
        thread.join(30)
    on_adbd.wait_until_clean(10.0)
    on_adbd.adb("connect", "127.0.0.1:6555")
    assert [one.status for one in outcomes] == ["crashed"]
    assert reason in str(outcomes[0].reason)


def worker(device: AdbdDevice) -> int:
    for _ in range(600):
        found = [one for one in device.processes() if b"ld-linux" in first_word(one)]
        if found and any(device.cache.glob("job.*/job.json")):
            time.sleep(0.5)
            return found[0]
        time.sleep(0.1)
    raise AssertionError("no worker began")


def first_word(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0]


def kill_client() -> None:
    """The adb that runs the job, not adb's server."""
    clients = running(b"\0shell\0-T\0")
    assert clients
    for process in clients:
        os.kill(process, signal.SIGKILL)


@pytest.mark.usefixtures("on_adbd")
def test_devices_that_are_not_there_are_told_in_one_line() -> None:
    told = r"^adb:R58M: .*'R58M' not found: 'adb devices' lists those that are connected$"
    with pytest.raises(InputError, match=told), opened_devices("adb:R58M"):
        pass


def test_an_exit_code_of_adb_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with 0 and says nothing when it loses a device."""
    (tmp_path / "adb").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "adb").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(InputError, match=r"^adb:R58M: the connection to it was lost$"), opened_devices("adb:R58M"):
        pass

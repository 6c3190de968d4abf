"""A real box over OpenSSH: parity and latency on it, and all that can go wrong while a job runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edgesr.benchmarks.devices.boxes.device import BoxDevice
from edgesr.benchmarks.devices.boxes.opening import open_box
from edgesr.benchmarks.devices.boxes.ssh import SshTransport
from edgesr.benchmarks.devices.registry import opened_devices
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.latency.call import LATENCY
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.machine.limits import LIMITS, LimitsSettings
from edgesr.benchmarks.runs.bench import run_bench
from edgesr.benchmarks.runs.options import BenchOptions, ParityOptions
from edgesr.benchmarks.runs.parity import run_parity
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from tests.helpers.boxes.needs import running
from tests.helpers.cli_refusals import RunCli

if TYPE_CHECKING:
    from tests.helpers.boxes.sshd import SshdBox

pytest_plugins = ("tests.helpers.boxes.fixtures",)
pytestmark = pytest.mark.slow

LIMITS_JOB = LIMITS.job(LimitsSettings(), threads=1)
ARTIFACTS = ("onnx-fp32-tile", "onnx-int8-tile", "tflite-fp32-tile-64x64", "tflite-int8-tile-64x64")


@pytest.fixture
def device(on_sshd: SshdBox) -> Iterator[BoxDevice]:
    with opened_devices("ssh:pi") as (found,):
        assert isinstance(found, BoxDevice)
        yield found


def long_job(bundle: Bundle) -> Job:
    """A minute of timed calls."""
    settings = LatencySettings(calls=2, seconds=60.0)
    return LATENCY.job(settings, bundle=bundle, artifact="onnx-fp32-tile", runtime="ort")


@pytest.fixture
def while_running(
    device: BoxDevice, on_sshd: SshdBox, quantized_bundle: Bundle
) -> Callable[[Callable[[int], object]], Outcome]:
    """Do something to a worker, by its process id, while it runs; the outcome of its job."""

    def run(act: Callable[[int], object]) -> Outcome:
        outcomes: list[Outcome] = []
        thread = threading.Thread(target=lambda: outcomes.append(device.run(long_job(quantized_bundle))))
        thread.start()
        act(worker(on_sshd))
        thread.join(60)
        assert outcomes, "the job did not end"
        return outcomes[0]

    return run


def worker(box: SshdBox) -> int:
    """The process of a worker that has begun."""
    for _ in range(600):
        found = [one for one in box.processes() if b"ld-linux" in _words(one)]
        if found and any(box.cache().glob("job.*/job.json")):
            time.sleep(0.5)
            return found[0]
        time.sleep(0.1)
    raise AssertionError("no worker began")


def _words(process: int) -> bytes:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:  # noqa: PTH123
            return file.read().split(b"\0")[0]
    except OSError:
        return b""


def test_parity_and_latency_of_four_artifacts(on_sshd: SshdBox, quantized_bundle: Bundle) -> None:
    assert not any(on_sshd.root.rglob("*python*")) or on_sshd.cache().exists()
    for artifact in ARTIFACTS:
        runtime = "ort" if artifact.startswith("onnx") else "tflite"
        options = ParityOptions(artifact=artifact, runtime=runtime, device="ssh:pi")
        found = run_parity(quantized_bundle, options)
        assert found.passed and [one.key.device for one in found.results] == ["host", "ssh:pi"]
        (difference,) = found.differences
        assert difference.identical_goldens == difference.goldens == 6
        timed = run_bench(
            quantized_bundle,
            BenchOptions(artifact=artifact, runtime=runtime, device="ssh:pi", rounds=2, calls=3, seconds=0.0),
        )
        (row,) = timed.results
        assert row.latency is not None and row.key.device == "ssh:pi"
        assert [len(samples) >= 3 for samples in row.latency.samples_ms] == [True, True]
        assert row.latency.peak_rss_mb > 20
        assert row.latency.state is not None and row.latency.state.load is not None


def test_a_second_start_sends_nothing(device: BoxDevice, on_sshd: SshdBox) -> None:
    assert device.run(LIMITS_JOB).status == "done"
    before = {one.name: one.stat().st_mtime_ns for one in on_sshd.cache().iterdir()}
    with opened_devices("ssh:pi") as (again,):
        assert again.run(LIMITS_JOB).status == "done"
    assert {one.name: one.stat().st_mtime_ns for one in on_sshd.cache().iterdir()} == before


def test_a_worker_that_is_killed_is_a_crash(while_running: Callable[[Callable[[int], object]], Outcome]) -> None:
    outcome = while_running(lambda process: os.kill(process, signal.SIGSEGV))
    assert (outcome.status, outcome.reason) == ("crashed", "killed by SIGSEGV")


def test_a_time_limit_is_kept(device: BoxDevice, quantized_bundle: Bundle) -> None:
    device.run(LIMITS_JOB)
    started = time.monotonic()
    outcome = replace(device, timeout_seconds=4).run(long_job(quantized_bundle))
    assert (outcome.status, outcome.reason) == ("timeout", "no result after 4 s")
    assert time.monotonic() - started < 40


def test_a_lost_connection_ends_the_worker(
    device: BoxDevice, while_running: Callable[[Callable[[int], object]], Outcome], on_sshd: SshdBox
) -> None:
    """The process that holds the connection for all others is killed."""

    def kill_master(_: int) -> None:
        transport = device.box.transport
        assert isinstance(transport, SshTransport)
        done = subprocess.run(
            [*transport._ssh(), "-O", "check", "--", "pi"], capture_output=True, text=True, check=True
        )
        os.kill(int(done.stderr.split("pid=")[1].split(")")[0]), signal.SIGKILL)

    outcome = while_running(kill_master)
    assert outcome.status == "crashed" and str(outcome.reason).startswith("ssh:pi: ")
    assert on_sshd.wait_until_clean(5.0) < 5.0
    assert device.run(LIMITS_JOB).status == "done"


def test_a_link_that_is_cut_is_noticed(on_sshd: SshdBox, quantized_bundle: Bundle) -> None:
    """Nothing arrives any more, in both directions: the client ends after 15 s, the worker when the link is closed."""
    device = open_box(SshTransport("slow"))
    device.run(LIMITS_JOB)
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(device.run(long_job(quantized_bundle))))
    thread.start()
    worker(on_sshd)
    relays = running(b"\0".join([b"relay.py", b"127.0.0.1", str(on_sshd.port).encode()]))
    assert relays
    for process in relays:
        os.kill(process, signal.SIGSTOP)
    thread.join(45)
    for process in relays:
        os.kill(process, signal.SIGKILL)
    assert [one.status for one in outcomes] == ["crashed"]
    assert on_sshd.wait_until_clean(10.0) < 10.0
    device.close()


def test_a_killed_client_leaves_nothing(on_sshd: SshdBox, quantized_bundle: Bundle) -> None:
    bench = [sys.executable, "-m", "edgesr", "bench", str(quantized_bundle.root), "--device", "ssh:pi"]
    chosen = ["--runtime", "ort", "--artifact", "onnx-fp32-tile", "--seconds", "60", "--rounds", "1"]
    client = subprocess.Popen([*bench, *chosen])
    worker(on_sshd)
    client.kill()
    client.wait()
    assert on_sshd.wait_until_clean(10.0) < 10.0


def test_two_clients_at_once(on_sshd: SshdBox, run_cli: RunCli) -> None:
    """Both send everything to an empty box."""
    assert run_cli("devices", "clean", "ssh:pi")[0] == 0
    found: list[str] = []

    def run() -> None:
        with opened_devices("ssh:pi") as (one,):
            found.append(one.run(LIMITS_JOB).status)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["done", "done"]


def test_noise_of_login_scripts(on_sshd: SshdBox, device: BoxDevice) -> None:
    (on_sshd.root / "noise").write_text("Welcome to the box\nTurn it off before you leave")
    try:
        assert device.run(LIMITS_JOB).status == "done"
        with opened_devices("ssh:pi") as (again,):
            assert again.run(LIMITS_JOB).status == "done"
    finally:
        (on_sshd.root / "noise").unlink()


@pytest.mark.usefixtures("on_sshd")
@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("full", "MB are to be sent, but /home/full/.cache/edgesr-box has"),
        ("noexec", "cannot be started in /home/noexec/.cache/edgesr-box, whose file system is mounted noexec"),
        ("changed", "its host key is not the one that known_hosts has of it: find out why"),
        ("unknown", "its host key is unknown here: run 'ssh unknown' once and accept it"),
        ("stranger", "Permission denied (publickey).: a key is needed that logs in without a question"),
        ("nowhere.invalid", "Could not resolve hostname nowhere.invalid"),
        ("127.0.0.2", "Connection refused; try 'ssh 127.0.0.2'"),
    ],
)
def test_boxes_that_refuse_are_told_in_one_line(host: str, why: str, run_cli: RunCli) -> None:
    code, out, error = run_cli("devices", "check", f"ssh:{host}")
    assert code == 1 and error == ""
    assert why in out.splitlines()[-1]


def test_a_disk_that_fills_up_while_something_is_sent(on_sshd: SshdBox) -> None:
    """The box said that there was room."""
    device = open_box(SshTransport("full"))
    roomy = replace(device, facts=replace(device.facts, free_bytes=None))
    with pytest.raises(InputError, match=r"^ssh:full: .*No space left on device"):
        roomy.run(LIMITS_JOB)
    left = device.box.transport.command("ls .cache/edgesr-box")
    names = subprocess.run(left, capture_output=True, text=True, check=True).stdout.split()
    assert [name.partition("-")[0] for name in names if not name.startswith("code-")] == ["box"]
    device.close()

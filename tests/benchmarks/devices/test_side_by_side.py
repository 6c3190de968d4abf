"""Machines work at the same time, devices of one machine do not, and Ctrl-C ends the processes of all of them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.boxes.exchange import Terms, exchange
from edgesr.benchmarks.devices.parallel import by_machine, in_order, side_by_side
from edgesr.benchmarks.devices.process_exit import ended_process
from edgesr.benchmarks.devices.running import watched
from tests.helpers.made_up_latency import NamedDevice

SLEEPING = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(300)"


def test_devices_are_grouped_by_the_machine_that_they_name() -> None:
    devices = [
        NamedDevice("host", machine="host"),
        NamedDevice("ssh:a"),
        NamedDevice("emulated", machine="host"),
        NamedDevice("ssh:b"),
    ]
    groups = [[one.name for one in group] for group in by_machine(devices)]
    assert groups == [["host", "emulated"], ["ssh:a"], ["ssh:b"]]


def test_all_items_are_worked_on_at_once_and_results_keep_their_order() -> None:
    """Each waits for the others, and the first ends last."""
    meet, last = threading.Barrier(3, timeout=30), threading.Event()

    def work(item: int) -> int:
        meet.wait()
        if item == 0:
            assert last.wait(30)
        if item == 2:
            last.set()
        return 10 * item

    assert side_by_side(work, [0, 1, 2]) == [0, 10, 20]


def test_an_exception_ends_the_others(tmp_path: Path) -> None:
    def work(item: str) -> None:
        if item == "fails":
            started_process(tmp_path / "sleeps")
            raise ValueError("of one")
        run_locally(tmp_path / item)

    with pytest.raises(ValueError, match="of one"):
        side_by_side(work, ["sleeps", "fails"])
    assert_ended(tmp_path / "sleeps")


def started_process(file: Path) -> int:
    """The process that wrote its number into a file."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if file.exists() and (text := file.read_text()):
            return int(text)
        time.sleep(0.02)
    raise AssertionError(f"nothing wrote {file.name}")


def assert_ended(file: Path) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(started_process(file), 0)


def run_locally(file: Path) -> object:
    return ended_process([sys.executable, "-c", SLEEPING, file], while_running=watched)


def run_over_a_client(file: Path) -> object:
    return exchange([sys.executable, "-c", SLEEPING, str(file)], token="never", terms=Terms(seconds=300))


@pytest.mark.parametrize("run", [run_locally, run_over_a_client])
def test_ctrl_c_ends_all_processes(run: Callable[[Path], object], tmp_path: Path) -> None:
    """It reaches the first thread alone, as where a program sends the signal and not a terminal."""
    files = [tmp_path / name for name in ("a", "b", "c")]

    def interrupt() -> None:
        for file in files:
            started_process(file)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        assert side_by_side(run, files) == [None, None, None]
    finally:
        signal.signal(signal.SIGINT, before)
    for file in files:
        assert_ended(file)


def test_processes_of_jobs_within_a_device_end_too(tmp_path: Path) -> None:
    """An emulated device runs several at a time."""

    def work(item: str) -> object:
        if item == "fails":
            for place in range(2):
                started_process(tmp_path / f"several-{place}")
            raise ValueError("of one")
        return list(in_order(run_locally, [tmp_path / f"several-{place}" for place in range(2)], workers=2))

    with pytest.raises(ValueError, match="of one"):
        side_by_side(work, ["several", "fails"])
    for place in range(2):
        assert_ended(tmp_path / f"several-{place}")

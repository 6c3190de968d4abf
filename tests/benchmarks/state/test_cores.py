"""Cores by kind and number: chosen on made-up devices, kept on this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.device import AbsentDevice
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.runs.cores import require_cores
from edgesr.benchmarks.state.cores import chosen_cores, usable_cores
from edgesr.benchmarks.state.place import Place
from edgesr.runtimes.errors import InputError
from tests.helpers.state.trees import CPU, jetson, phone, pi5, place, written


def chosen(device: Place, text: str, *, threads: int = 1, allowed: range = range(8)) -> tuple[int, ...]:
    return chosen_cores(text, allowed=tuple(allowed), threads=threads, place=device)


def test_cores_of_a_phone(tmp_path: Path) -> None:
    device = phone(tmp_path)
    assert chosen(device, "little", threads=4) == (0, 1, 2, 3)
    assert chosen(device, "big") == (7,)
    assert chosen(device, "4-6,1", threads=4) == (1, 4, 5, 6)
    assert chosen(device, "big", threads=3, allowed=range(7)) == (4, 5, 6), "of those that the process may have"


def test_kinds_by_the_highest_clock_where_no_capacity_is_told(tmp_path: Path) -> None:
    files = {
        f"{CPU}/cpu{core}/cpufreq/cpuinfo_max_freq": khz for core, khz in enumerate((1_800_000, 1_800_000, 900_000))
    }
    written(tmp_path, files)
    assert chosen(place(tmp_path), "big", allowed=range(3)) == (0, 1)
    assert chosen(place(tmp_path), "little", allowed=range(3)) == (2,)


@pytest.mark.parametrize(
    ("text", "threads", "allowed", "why"),
    [
        ("big", 2, range(8), "2 threads would wait for each other on core 7: give as many cores as threads"),
        ("0-8", 1, range(8), "core 8 cannot be used: this device has 0, 1, 2, 3, 4, 5, 6, 7"),
        ("3", 1, range(2), "core 3 cannot be used: this device lets this process have 0, 1"),
        ("3-1", 1, range(8), "3-1 ends before it begins"),
    ],
)
def test_cores_that_a_phone_refuses(tmp_path: Path, text: str, threads: int, allowed: range, why: str) -> None:
    with pytest.raises(InputError, match=why):
        chosen(phone(tmp_path), text, threads=threads, allowed=allowed)


@pytest.mark.parametrize("kind", ["big", "little"])
def test_kinds_of_cores_are_refused_where_they_are_alike_or_not_told(tmp_path: Path, kind: str) -> None:
    for device in (pi5(tmp_path / "pi"), jetson(tmp_path / "jetson")):
        with pytest.raises(InputError, match=f"--cores {kind}: the cores of this device are all alike"):
            chosen(device, kind, allowed=range(4))
    with pytest.raises(InputError, match="does not tell which cores"):
        chosen(place(tmp_path / "none"), kind)


@pytest.mark.parametrize("text", ["", "large", "0-", "0,,1", "-1", "1;2", "0x1"])
def test_texts_that_name_no_cores(text: str) -> None:
    with pytest.raises(InputError, match="give big, little, or numbers"):
        LatencySettings(cores=text)


def test_cores_and_pin_exclude_each_other() -> None:
    with pytest.raises(InputError, match="give one"):
        LatencySettings(cores="0", pin=True)


def test_a_process_is_kept_to_its_cores() -> None:
    """In a process of its own: threads that it begins before and after are kept there, too."""
    core = usable_cores()[-1]
    code = f"""
import os, threading, time
from pathlib import Path
from edgesr.benchmarks.state.cores import pin
from edgesr.benchmarks.state.place import Place
stop = threading.Event()
threads = [threading.Thread(target=stop.wait) for _ in range(2)]
threads[0].start()
kept = pin("{core}", pinned=False, threads=1, place=Place())
threads[1].start()
print(kept, [sorted(os.sched_getaffinity(int(one.name))) for one in Path("/proc/self/task").iterdir()])
stop.set()
"""
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == f"({core},) {[[core]] * 3}"


def test_the_device_is_asked_before_anything_is_measured() -> None:
    require_cores(HostDevice(), str(usable_cores()[0]), (1,))
    with pytest.raises(InputError, match=r"host: --cores 4000: core 4000 cannot be used: this device has 0"):
        require_cores(HostDevice(), "4000", (1,))


def test_a_device_that_does_not_answer_tells_so_in_its_rows_and_not_here() -> None:
    require_cores(AbsentDevice(name="ssh:a", reason="switched off"), "big", (1,))

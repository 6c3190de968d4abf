"""Cores that a worker keeps to: the big ones, the little ones, or some by number."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgesr.benchmarks.state.clocks import CORES
from edgesr.benchmarks.state.place import Place, number
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.wording import counted

_ALIKE = 1.1
"""Cores whose speeds differ by less are of one kind: some x86 cores may clock a little higher than their neighbours."""
_RANGES = re.compile(r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*")

CORE_KINDS: Mapping[str, Callable[[Mapping[int, int]], list[int]]] = {
    "big": lambda speeds: [core for core, speed in speeds.items() if speed * _ALIKE > max(speeds.values())],
    "little": lambda speeds: [core for core, speed in speeds.items() if speed < _ALIKE * min(speeds.values())],
}
"""Cores of a kind, given the speeds of all that the device lets the process have."""


def require_pinning(*, cores: str | None, pin: bool) -> None:
    """Raise an InputError for a text that cannot name cores, or one next to ``pin``."""
    if cores is None:
        return
    if cores not in CORE_KINDS and not _RANGES.fullmatch(cores):
        raise InputError(f"--cores {cores!r}: give {', '.join(CORE_KINDS)}, or numbers such as 0-3 or 0,2")
    if pin:
        raise InputError("--cores chooses the cores of a process, and --pin lets edgesr choose them; give one of both")


def chosen_cores(text: str, *, allowed: Sequence[int], threads: int, place: Place) -> tuple[int, ...]:
    """The cores of a text, of those that the device lets this process have; raises an InputError where it has them
    not, where its cores are all alike or it does not tell, and for fewer cores than threads: those would wait for
    each other.
    """
    there = sorted(int(one.name[3:]) for one in place.found(f"{CORES}/cpu[0-9]*")) or sorted(allowed)
    cores = _of_kind(text, allowed, place) if text in CORE_KINDS else _numbered(text)
    for found, why in ((there, "has"), (allowed, "lets this process have")):
        if missing := [core for core in cores if core not in found]:
            raise InputError(f"--cores {text}: core {missing[0]} cannot be used: this device {why} {_listed(found)}")
    if threads > len(cores):
        raise InputError(
            f"--cores {text}: {counted(threads, 'thread')} would wait for each other on core {_listed(cores)}: "
            "give as many cores as threads"
        )
    return tuple(cores)


def usable_cores() -> tuple[int, ...]:
    """Cores that this process may run on; empty where the system does not tell."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def keep_to(cores: Sequence[int]) -> tuple[int, ...]:
    """Keep this process, all its threads, to these cores; raises an EdgesrError where the system does something
    else.
    """
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)
    kept = usable_cores()
    if set(kept) != set(cores):
        raise EdgesrError(f"this process was to keep to core {_listed(cores)}, but the system gave it {_listed(kept)}")
    return kept


def pin(cores: str | None, *, pinned: bool, threads: int, place: Place) -> tuple[int, ...]:
    """Keep this process to the cores of a text, or where it is ``pinned`` to as many as it has threads, the fastest.
    The cores, empty where it is free, or the system cannot pin.
    """
    allowed = usable_cores()
    if cores is not None:
        if not allowed:
            raise InputError(f"--cores {cores}: this system cannot keep a process to some cores; leave it out")
        return keep_to(chosen_cores(cores, allowed=allowed, threads=threads, place=place))
    if not pinned or not allowed:
        return ()
    fastest = sorted(allowed, key=lambda core: (_speed(core, place) or 0, core))
    return keep_to(sorted(fastest[-threads:]))


def _of_kind(kind: str, allowed: Sequence[int], place: Place) -> list[int]:
    speeds = {core: speed for core in allowed if (speed := _speed(core, place)) is not None}
    if not speeds or len(speeds) < len(allowed):
        raise InputError(f"--cores {kind}: this device does not tell which cores are {kind}; give numbers such as 0-3")
    found = CORE_KINDS[kind](speeds)
    if len(found) == len(allowed):
        raise InputError(f"--cores {kind}: the cores of this device are all alike; give numbers such as 0-3")
    return found


def _speed(core: int, place: Place) -> int | None:
    """The speed of a core: 1024 for the fastest, else its highest clock in kHz; None if the device tells neither."""
    folder = place.root / CORES / f"cpu{core}"
    capacity = number(folder / "cpu_capacity")
    return number(folder / "cpufreq/cpuinfo_max_freq") if capacity is None else capacity


def _numbered(text: str) -> list[int]:
    cores: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if int(last or first) < int(first):
            raise InputError(f"--cores {text}: {part} ends before it begins; give numbers such as 0-3")
        cores |= set(range(int(first), int(last or first) + 1))
    return sorted(cores)


def _listed(cores: Sequence[int]) -> str:
    return ", ".join(map(str, cores))

"""Who has the cores: the load, other virtual machines, and how long the measured process waits for a core."""

from __future__ import annotations

from collections.abc import Iterator

from edgesr.benchmarks.state.place import Place, text
from edgesr.benchmarks.state.reading import Quantity, Reader, Reading

_STATE, _CORE = 0, 36
"""Fields of /proc/PID/task/TID/stat behind the name of the program (proc(5))."""


def _load(place: Place, _process: int) -> Iterator[Reading]:
    fields = (text(place.root / "proc/loadavg") or "").split()
    if fields:
        yield Reading(Quantity.LOAD, "", float(fields[0]))


def _ticks(place: Place, _process: int) -> Iterator[Reading]:
    """The first line of /proc/stat: the eighth of its counts is what others were given."""
    fields = (text(place.root / "proc/stat") or "").partition("\n")[0].split()[1:9]
    if len(fields) == 8:
        yield Reading(Quantity.STOLEN_TICKS, "", int(fields[7]))
        yield Reading(Quantity.ALL_TICKS, "", sum(map(int, fields)))


def _threads(place: Place, process: int) -> Iterator[Reading]:
    for thread in place.found(f"proc/{process}/task/[0-9]*"):
        schedule = (text(thread / "schedstat") or "").split()
        if len(schedule) == 3:
            yield Reading(Quantity.WAITED_SECONDS, thread.name, int(schedule[1]) / 1e9)
        fields = (text(thread / "stat") or "").rpartition(")")[2].split()
        if len(fields) > _CORE and fields[_STATE] == "R":
            yield Reading(Quantity.RUNS_ON, fields[_CORE], 1.0)


PROCESSOR_TIME = (
    Reader(title="load average", read=_load),
    Reader(title="processor time stolen", read=_ticks),
    Reader(title="threads of the process", read=_threads),
)

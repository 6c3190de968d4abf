"""Facts that a box tells of itself. edgesr trusts them only as far as a table can show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.wording import printable

_LONGEST = 200
_MOST_LINES = 5000
_FOLDER = re.compile(r"[a-z][a-z0-9-]*-[0-9a-f]{32}")
_REPEATED = ("cpuinfo", "core", "has", "program", "model")


@dataclass(frozen=True, kw_only=True)
class Core:
    """``capacity`` is of 1024 for the fastest cores, ``mhz`` its highest clock; None where the system does not tell."""

    number: int
    capacity: int | None
    mhz: float | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """``machine`` is as `uname -m` tells it; ``cpu`` names its processor or board; ``features`` as Linux names them;
    ``executes``: programs can be started from ``folder``, which is where edgesr keeps its files; ``programs``: which it
    has of those that are needed; ``folders``: what of edgesr is there. None where the system does not tell.
    """

    machine: str
    system: str
    user: str
    folder: str
    model: str | None
    cpu: str
    features: frozenset[str]
    page_bytes: int | None
    cores: tuple[Core, ...]
    free_bytes: int | None
    executes: bool
    programs: frozenset[str]
    folders: frozenset[str]

    @property
    def big_cores(self) -> tuple[int, ...]:
        """The fastest ones; empty where all are alike, or the system does not tell."""
        speeds = {core.number: core.capacity or core.mhz or 0 for core in self.cores}
        fastest = max(speeds.values(), default=0)
        found = tuple(sorted(number for number, speed in speeds.items() if speed == fastest))
        return found if len(found) < len(speeds) else ()


def parse_facts(answer: bytes) -> Facts:
    """The facts in the answer of a probe; raises an EdgesrError where they are none."""
    lines = answer.decode(errors="replace").splitlines()
    if not lines or lines[-1] != "end=" or len(lines) > _MOST_LINES:
        raise EdgesrError("it does not tell what it is: its answer is cut short, or from another program")
    once: dict[str, str] = {}
    repeated: dict[str, list[str]] = {name: [] for name in _REPEATED}
    for line in lines:
        name, _, value = line.partition("=")
        if name in repeated:
            repeated[name].append(value.strip())
        else:
            once.setdefault(name, printable(value.strip())[:_LONGEST])
    cpuinfo = {name.strip(): value.strip() for name, _, value in (one.partition(":") for one in repeated["cpuinfo"])}
    model = next((printable(one)[:_LONGEST] for one in repeated["model"] if one), None)
    cpu = next((cpuinfo[key] for key in ("model name", "Hardware") if cpuinfo.get(key)), None)
    free = _number(once.get("free_kib"))
    return Facts(
        machine=once.get("machine", ""),
        system=once.get("system", ""),
        user=once.get("user", ""),
        folder=once.get("folder", ""),
        model=model,
        cpu=printable(cpu)[:_LONGEST] if cpu else model or once.get("machine", ""),
        features=frozenset((cpuinfo.get("flags") or cpuinfo.get("Features") or "").split()),
        page_bytes=_number(once.get("page_bytes")),
        cores=_cores(repeated["core"]),
        free_bytes=None if free is None else free * 1024,
        executes=once.get("executes") == "yes",
        programs=frozenset(repeated["program"]),
        folders=frozenset(one for one in repeated["has"] if _FOLDER.fullmatch(one)),
    )


def _cores(lines: Sequence[str]) -> tuple[Core, ...]:
    """Each once: those that /proc tells of, as /sys describes them where it does."""
    found = {core.number: core for text in lines if (core := _core(text)) is not None}
    return tuple(found[number] for number in sorted(found))


def _core(text: str) -> Core | None:
    number, capacity, khz = (_number(one) for one in (*text.split(), "", "", "")[:3])
    if number is None:
        return None
    return Core(number=number, capacity=capacity, mhz=None if khz is None else khz / 1000)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,15}", text) else None

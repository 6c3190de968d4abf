"""Doubts about a figure that the state of the device raises, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgesr.benchmarks.state.record import Course, DeviceState
from edgesr.runtimes.wording import counted

_LARGEST_CLOCK_FALL = 0.05
_LARGEST_LOAD = 0.5
_LARGEST_WAITING_SHARE = 0.05
_LARGEST_STOLEN_SHARE = 0.01


def state_warnings(states: Mapping[str, DeviceState]) -> list[str]:
    """One sentence for each sign in some states, by what to call them; a sentence on all of them names none."""
    named: dict[str, list[str]] = {}
    for name, state in states.items():
        for sentence in _sentences(state):
            named.setdefault(sentence, []).append(name)
    return [
        sentence if len(names) == len(states) else f"{'; '.join(names)}: {sentence}"
        for sentence, names in named.items()
    ]


def _sentences(state: DeviceState) -> Iterator[str]:
    yield from _of_cores(state)
    yield from _of_clocks(state)
    if state.throttling:
        yield f"signs of throttling: {', '.join(state.throttling)}"
    before = [sign for sign in state.throttled_before or () if sign not in (state.throttling or ())]
    if before:
        yield f"since the device was started, not while it was measured: {', '.join(before)}"
    if state.supply == "battery":
        yield "the device ran on its battery"


def _of_cores(state: DeviceState) -> Iterator[str]:
    if state.load is not None and state.usable_cores and state.load.start > _LARGEST_LOAD * state.usable_cores:
        cores = counted(state.usable_cores, "core")
        yield f"load average above half of {cores} when it began: other work was going on"
    if state.waiting_share is not None and state.waiting_share.most > _LARGEST_WAITING_SHARE:
        yield f"other processes took up to {state.waiting_share.most:.0%} of the measured cores"
    if state.stolen_share is not None and state.stolen_share.most > _LARGEST_STOLEN_SHARE:
        yield f"up to {state.stolen_share.most:.0%} of processor time went to other virtual machines"


def _of_clocks(state: DeviceState) -> Iterator[str]:
    if state.governors is not None and set(state.governors) - {"performance"}:
        names = ", ".join(state.governors)
        yield f"the frequency governor is {names}, not performance: clocks follow the load"
    if _fell(state.highest_clock_mhz):
        yield f"the highest clock that the system allows fell {_from_to(state.highest_clock_mhz)}"
    elif _fell(state.clock_mhz):
        yield f"the clock fell {_from_to(state.clock_mhz)}"


def _fell(course: Course | None) -> bool:
    return course is not None and course.least < (1 - _LARGEST_CLOCK_FALL) * course.start


def _from_to(course: Course | None) -> str:
    return "" if course is None else f"from {course.start:.0f} to {course.least:.0f} MHz"

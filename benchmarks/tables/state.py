"""The state of the device next to each figure, as rows of text."""

from __future__ import annotations

from collections.abc import Iterable

from edgesr.benchmarks.results.rows import Key
from edgesr.benchmarks.state.record import Course, DeviceState
from edgesr.benchmarks.tables.table import Table

NOT_TOLD = "not told"

STATE_COLUMNS = (
    "cores",
    "MHz start, least",
    "governor",
    "°C start, most",
    "throttling",
    "own CPU share",
    "load",
    "power",
)


def state_table(rows: Iterable[tuple[Key, DeviceState]]) -> Table:
    """One row a result. A device that tells nothing of something is "not told" there."""
    columns = ("artifact", "runtime", "threads", "device", *STATE_COLUMNS)
    return Table(
        "State of the device while each artifact was timed",
        columns,
        tuple((key.artifact, key.engine, str(key.threads), key.device, *state_cells(state)) for key, state in rows),
    )


def state_cells(state: DeviceState) -> tuple[str, ...]:
    """The cells of a row, in the order of `STATE_COLUMNS`."""
    return (
        _cores(state),
        _two(state.clock_mhz, "least"),
        NOT_TOLD if state.governors is None else ", ".join(state.governors),
        _two(state.temperature_c, "most"),
        NOT_TOLD if state.throttling is None else ", ".join(state.throttling) or "none",
        NOT_TOLD if state.own_share is None else f"{state.own_share.least:.0%}",
        NOT_TOLD if state.load is None else f"{state.load.start:.1f}",
        _power(state),
    )


def _cores(state: DeviceState) -> str:
    if state.pinned_cores:
        return f"kept to {_listed(state.pinned_cores)}"
    return NOT_TOLD if state.ran_on is None else f"free, seen on {_listed(state.ran_on)}"


def _power(state: DeviceState) -> str:
    """The source of the power, and how much it was."""
    charge = "" if state.charge_percent is None else f" {state.charge_percent.end:.0f}%"
    source = [] if state.supply is None else [f"{state.supply}{charge}"]
    watts = [] if state.power_w is None else [f"{state.power_w.most:.1f} W at most"]
    return ", ".join([*source, *watts]) or NOT_TOLD


def _two(course: Course | None, extreme: str) -> str:
    return NOT_TOLD if course is None else f"{course.start:.0f}, {getattr(course, extreme):.0f}"


def _listed(cores: Iterable[int]) -> str:
    return ", ".join(map(str, cores))

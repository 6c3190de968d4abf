"""Energy of a call: what the device takes while it calls, less what it takes idle, from a sensor that is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgesr.benchmarks.state.reading import Sample
from edgesr.benchmarks.state.summary import power
from edgesr.benchmarks.sustained.windows import Window, mean_power


@dataclass(frozen=True, kw_only=True)
class Energy:
    """``mj_per_call``, in millijoules, is of the whole device: (``running_w`` - ``idle_w``) by calls a second."""

    sensor: str
    idle_w: float
    running_w: float
    mj_per_call: float


def energy(idle: Sequence[Sample], running: Sequence[Sample], windows: Sequence[Window]) -> Energy | str:
    """The energy of a call, or why it cannot be told."""
    idle_w, running_w = mean_power(idle), mean_power(running)
    sensor = next((found[0] for one in running if (found := power(one)) is not None), None)
    if sensor is None or idle_w is None or running_w is None:
        return "the device has no sensor of its power that an ordinary user may read"
    if any(found[0] != sensor for one in (*idle, *running) if (found := power(one)) is not None):
        return "its power was not told by one sensor all the time: it was plugged in or unplugged"
    if running_w <= idle_w:
        return f"{sensor} told {running_w:.2f} W while it ran and {idle_w:.2f} W idle: something else took the power"
    calls, seconds = sum(one.calls for one in windows), sum(one.seconds for one in windows)
    return Energy(
        sensor=sensor, idle_w=idle_w, running_w=running_w, mj_per_call=(running_w - idle_w) * seconds / calls * 1000
    )

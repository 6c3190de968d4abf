"""The state of a device while something was measured, as result files keep it. What it does not tell is None."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Course:
    """The course of a quantity: its values at the start and at the end, and its extremes."""

    start: float
    end: float
    least: float
    most: float


@dataclass(frozen=True, kw_only=True)
class DeviceState:
    """The state of a device during one worker, or several one after the other. Shares are of the time of the measured
    cores.

    ``usable_cores`` is how many the process may use, ``pinned_cores`` those that it was kept to, empty where it was
    free, ``ran_on`` those that it was seen on. ``clock_mhz`` is that of the fastest core of these, and
    ``highest_clock_mhz`` what the system allowed it. ``temperature_c`` is of the hottest ``temperature_sensor`` at the
    processor. ``throttling`` are the signs of it that were seen meanwhile, and ``throttled_before`` since the device
    was started. ``own_share`` is the processor time of the process, one value a process; ``waiting_share`` is what it
    was ready for and others had, ``stolen_share`` what other virtual machines had. A sample took ``sample_ms``.
    """

    samples: int = 0
    sample_ms: float | None = None
    usable_cores: int | None = None
    pinned_cores: tuple[int, ...] | None = None
    ran_on: tuple[int, ...] | None = None
    clock_mhz: Course | None = None
    highest_clock_mhz: Course | None = None
    governors: tuple[str, ...] | None = None
    temperature_c: Course | None = None
    temperature_sensor: str | None = None
    throttling: tuple[str, ...] | None = None
    throttled_before: tuple[str, ...] | None = None
    power_w: Course | None = None
    power_sensor: str | None = None
    supply: Literal["mains", "battery"] | None = None
    charge_percent: Course | None = None
    load: Course | None = None
    own_share: Course | None = None
    waiting_share: Course | None = None
    stolen_share: Course | None = None


def course(values: Sequence[float | None]) -> Course | None:
    """The course of values in order of time; None if no value is told."""
    told = [value for value in values if value is not None]
    return Course(start=told[0], end=told[-1], least=min(told), most=max(told)) if told else None


def joined(states: Sequence[DeviceState]) -> DeviceState:
    """The state over processes that ran one after the other."""
    costs = [one.sample_ms for one in states if one.sample_ms is not None]
    return DeviceState(
        samples=sum(one.samples for one in states),
        sample_ms=median(costs) if costs else None,
        usable_cores=_first([one.usable_cores for one in states]),
        pinned_cores=_first([one.pinned_cores for one in states]),
        ran_on=_together([one.ran_on for one in states]),
        clock_mhz=_after_another([one.clock_mhz for one in states]),
        highest_clock_mhz=_after_another([one.highest_clock_mhz for one in states]),
        governors=_together([one.governors for one in states]),
        temperature_c=_after_another([one.temperature_c for one in states]),
        temperature_sensor=_first([one.temperature_sensor for one in states]),
        throttling=_together([one.throttling for one in states]),
        throttled_before=_together([one.throttled_before for one in states]),
        power_w=_after_another([one.power_w for one in states]),
        power_sensor=_first([one.power_sensor for one in states]),
        supply="battery" if any(one.supply == "battery" for one in states) else _first([one.supply for one in states]),
        charge_percent=_after_another([one.charge_percent for one in states]),
        load=_after_another([one.load for one in states]),
        own_share=_after_another([one.own_share for one in states]),
        waiting_share=_after_another([one.waiting_share for one in states]),
        stolen_share=_after_another([one.stolen_share for one in states]),
    )


def _first(values: Sequence[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _together(values: Sequence[tuple[T, ...] | None]) -> tuple[T, ...] | None:
    """Everything that is told, each once."""
    told = [value for value in values if value is not None]
    return tuple(dict.fromkeys(item for value in told for item in value)) if told else None


def _after_another(courses: Sequence[Course | None]) -> Course | None:
    told = [one for one in courses if one is not None]
    if not told:
        return None
    return Course(
        start=told[0].start,
        end=told[-1].end,
        least=min(one.least for one in told),
        most=max(one.most for one in told),
    )

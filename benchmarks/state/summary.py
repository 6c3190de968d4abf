"""The state of a device, from the samples of a process that measured on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from edgesr.benchmarks.state.reading import Quantity, Sample
from edgesr.benchmarks.state.record import Course, DeviceState, course

_CPU_SENSORS = ("cpu", "soc", "x86_pkg_temp", "coretemp", "k10temp", "core", "big", "little", "tdie", "tctl", "package")
"""In the names of sensors at the processor, lower case; where there is none, the hottest of all counts."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Samples of a process with so many ``threads``: ``before`` measuring, ``during`` it, and ``after`` it.
    ``pinned``: its cores.
    """

    before: tuple[Sample, ...] = ()
    during: tuple[Sample, ...]
    after: tuple[Sample, ...]
    threads: int
    pinned: tuple[int, ...]

    @property
    def all(self) -> tuple[Sample, ...]:
        """All samples without those taken before."""
        return (*self.during, *self.after)

    def core_values(self, sample: Sample, quantity: Quantity) -> list[float]:
        """The values of the cores that the process kept to; of a free process, of those that it was seen on; of all,
        if on none.
        """
        values = sample.numbers(quantity)
        cores = [str(core) for core in self.pinned] or list(sample.numbers(Quantity.RUNS_ON))
        return [values[core] for core in cores if core in values] or list(values.values())

    def clock(self, sample: Sample, quantity: Quantity = Quantity.CLOCK_MHZ) -> float | None:
        """The clock of the fastest of these cores."""
        return max(self.core_values(sample, quantity), default=None)

    def governors(self) -> tuple[str, ...] | None:
        """The governors of the cores that the process kept to, or of all."""
        cores = {str(core) for core in self.pinned}
        words = {word for one in self.all for core, word in one.words(Quantity.GOVERNOR) if not cores or core in cores}
        return tuple(sorted(words)) or None

    def waiting_share(self, first: Sample, last: Sample) -> float | None:
        """The share of the time between two samples in which its threads were ready and had no core."""
        before, after = (one.numbers(Quantity.WAITED_SECONDS) for one in (first, last))
        both = before.keys() & after.keys()
        if not both or last.at <= first.at:
            return None
        return min(1.0, sum(after[one] - before[one] for one in both) / (last.at - first.at) / self.threads)

    def stolen_share(self, first: Sample, last: Sample) -> float | None:
        """The share of the time of all cores between two samples that other virtual machines had."""
        stolen, ticks = (
            [sum(one.numbers(quantity).values()) for one in (first, last) if one.numbers(quantity)]
            for quantity in (Quantity.STOLEN_TICKS, Quantity.ALL_TICKS)
        )
        if len(stolen) < 2 or ticks[1] <= ticks[0]:
            return None
        return max(0.0, stolen[1] - stolen[0]) / (ticks[1] - ticks[0])

    def throttling(self) -> tuple[str, ...] | None:
        """Signs that were raised, and counts of x86 that rose."""
        counts = [found for one in self.all if (found := one.numbers(Quantity.THROTTLINGS))]
        rose = bool(counts) and any(counts[-1].get(name, 0) > count for name, count in counts[0].items())
        raised = raised_signs(self.all, Quantity.THROTTLED)
        if raised is None and not counts:
            return None
        return (*(raised or ()), *(["heat lowered a core's clock"] if rose else []))


def raised_signs(samples: Sequence[Sample], quantity: Quantity) -> tuple[str, ...] | None:
    """Names of the signs that are 1 in a sample; None where there are no such signs."""
    signs = [item for one in samples for item in one.numbers(quantity).items()]
    return tuple(dict.fromkeys(name for name, value in signs if value)) if signs else None


def hottest(samples: Sequence[Sample]) -> list[tuple[str, float] | None]:
    """Sensor and temperature of the hottest sensor at the processor in each sample; where none of the samples has one
    there, of the hottest of all.
    """
    every = [sample.numbers(Quantity.TEMPERATURE_C) for sample in samples]
    own = [{name: value for name, value in one.items() if _at_processor(name)} for one in every]
    return [max(one.items(), key=lambda item: item[1], default=None) for one in (own if any(own) else every)]


def _at_processor(sensor: str) -> bool:
    return any(sign in sensor.lower() for sign in _CPU_SENSORS)


def power(sample: Sample) -> tuple[str, float] | None:
    """Sensor and watts of the first sensor of power."""
    return next(iter(sample.numbers(Quantity.POWER_W).items()), None)


def device_state(measured: Measured, *, own_share: float | None, usable_cores: int | None) -> DeviceState:
    """The state of one process's measurement. Clocks are read while it works, and not when it has ended."""
    during, everything = measured.during, measured.all
    heat, watts = hottest(everything), [power(one) for one in during]
    threads = [one for one in everything if one.numbers(Quantity.WAITED_SECONDS)]
    ticks = [one for one in everything if one.numbers(Quantity.ALL_TICKS)]
    supplies = [word for one in everything for _, word in one.words(Quantity.SUPPLY)]
    seen = {int(core) for one in during for core in one.numbers(Quantity.RUNS_ON)}
    return DeviceState(
        samples=len(everything),
        sample_ms=median(costs) if (costs := [one.cost_ms for one in everything]) else None,
        usable_cores=usable_cores,
        pinned_cores=None if usable_cores is None else measured.pinned,
        ran_on=tuple(sorted(seen)) or None,
        clock_mhz=course([measured.clock(one) for one in during]),
        highest_clock_mhz=course([measured.clock(one, Quantity.HIGHEST_CLOCK_MHZ) for one in everything]),
        governors=measured.governors(),
        temperature_c=course([one and one[1] for one in heat]),
        temperature_sensor=max((one for one in heat if one), key=lambda one: one[1], default=(None, 0.0))[0],
        throttling=measured.throttling(),
        throttled_before=raised_signs(everything, Quantity.THROTTLED_BEFORE),
        power_w=course([one and one[1] for one in watts]),
        power_sensor=next((one[0] for one in watts if one), None),
        supply=("battery" if "battery" in supplies else "mains") if supplies else None,
        charge_percent=course([max(one.numbers(Quantity.CHARGE_PERCENT).values(), default=None) for one in everything]),
        load=course([one.numbers(Quantity.LOAD).get("") for one in everything]),
        own_share=course([own_share]),
        waiting_share=_between(threads, measured.waiting_share),
        stolen_share=_between(ticks, measured.stolen_share),
    )


def _between(samples: Sequence[Sample], share: Callable[[Sample, Sample], float | None]) -> Course | None:
    """One value from the first sample to the last."""
    found = share(samples[0], samples[-1]) if len(samples) > 1 else None
    return course([found])

"""Windows of calls: how many, how long, with how much processor time, at which clock and temperature."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from edgesr.benchmarks.state.reading import Quantity, Sample
from edgesr.benchmarks.state.summary import Measured, hottest, power

KEPT_SHARE = 0.95
"""Of the time of its cores that a process has which keeps them."""
_LARGEST_LOST_SHARE = 0.02


@dataclass(frozen=True, kw_only=True)
class Window:
    """Calls one after the other. ``begin_seconds`` is from the first window's start; ``cpu_seconds`` is processor time.

    ``own_share`` is processor time by the time of as many cores as there are threads; ``waiting_share`` is what threads
    were ready for and other processes had, ``stolen_share`` what other virtual machines had. ``clock_mhz`` and
    ``highest_clock_mhz`` (what the system allowed) are medians of the fastest measured core, ``temperature_c`` of the
    hottest sensor at the processor, ``power_w`` is a mean. None where the device does not tell.
    """

    begin_seconds: float
    seconds: float
    calls: int
    p50_ms: float
    cpu_seconds: float
    own_share: float
    waiting_share: float | None = None
    stolen_share: float | None = None
    clock_mhz: float | None = None
    highest_clock_mhz: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None

    @property
    def calls_per_second(self) -> float:
        return self.calls / self.seconds

    @property
    def calls_per_cpu_second(self) -> float | None:
        """The calls per second of processor time; None if no processor time was seen: another chip did the work."""
        return self.calls / self.cpu_seconds if self.cpu_seconds else None

    @property
    def kept_its_cores(self) -> bool:
        """Nobody else had them. A process that has little processor time because it waits for another chip, or for its
        own threads, keeps its cores: neither was it ready to run without one, nor were they stolen.
        """
        if self.own_share >= KEPT_SHARE:
            return True
        lost = (self.waiting_share, self.stolen_share)
        return self.waiting_share is not None and all(one is None or one <= _LARGEST_LOST_SHARE for one in lost)


@dataclass(frozen=True, kw_only=True)
class TimedWindow:
    """A window as it is timed: from ``began`` to ``ended`` on the monotonic clock."""

    began: float
    ended: float
    calls_ms: tuple[float, ...]
    cpu_seconds: float


def timed_windows(
    call: Callable[[], object],
    *,
    seconds: float,
    window_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    cpu_clock: Callable[[], float] = time.process_time,
) -> list[TimedWindow]:
    """Call for so many seconds; a window ends with the call in which its time is over."""
    windows: list[TimedWindow] = []
    now = start = clock()
    while now - start < seconds:
        began, cpu, calls = now, cpu_clock(), []
        while now - began < window_seconds:
            call()
            calls.append((clock() - now) * 1000)
            now = clock()
        windows.append(TimedWindow(began=began, ended=now, calls_ms=tuple(calls), cpu_seconds=cpu_clock() - cpu))
    return windows


def told_windows(timed: Sequence[TimedWindow], measured: Measured) -> tuple[Window, ...]:
    """The windows with what the samples tell of them."""
    return tuple(_told(one, timed[0].began, measured) for one in timed)


def _told(one: TimedWindow, start: float, measured: Measured) -> Window:
    seconds = one.ended - one.began
    within = [sample for sample in measured.during if one.began <= sample.at <= one.ended]
    limits = [measured.clock(sample, Quantity.HIGHEST_CLOCK_MHZ) for sample in within]
    return Window(
        begin_seconds=one.began - start,
        seconds=seconds,
        calls=len(one.calls_ms),
        p50_ms=median(one.calls_ms),
        cpu_seconds=one.cpu_seconds,
        own_share=one.cpu_seconds / seconds / measured.threads,
        waiting_share=_around(one, measured.during, Quantity.WAITED_SECONDS, measured.waiting_share),
        stolen_share=_around(one, measured.during, Quantity.ALL_TICKS, measured.stolen_share),
        clock_mhz=_median([measured.clock(sample) for sample in within]),
        highest_clock_mhz=_median(limits),
        temperature_c=_median([found and found[1] for found in hottest(within)]),
        power_w=mean_power(within),
    )


def mean_power(samples: Sequence[Sample]) -> float | None:
    """Watts of the first sensor of power."""
    watts = [found[1] for one in samples if (found := power(one)) is not None]
    return sum(watts) / len(watts) if watts else None


def _around(
    one: TimedWindow,
    samples: Sequence[Sample],
    quantity: Quantity,
    share: Callable[[Sample, Sample], float | None],
) -> float | None:
    """The share between the last sample before a window (or its first) and its last one."""
    told = [sample for sample in samples if sample.numbers(quantity) and sample.at <= one.ended]
    before = [sample for sample in told if sample.at <= one.began] or told[:1]
    return share(before[-1], told[-1]) if told and told[-1].at > one.began else None


def _median(values: Sequence[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return median(told) if told else None

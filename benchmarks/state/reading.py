"""The result of a reader: one value of one quantity. A quantity that a device does not tell has no reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from edgesr.benchmarks.state.place import Place


class Quantity(StrEnum):
    """A quantity that is read; `Reading.of` then says of which part."""

    CLOCK_MHZ = "clock"  # of a core
    HIGHEST_CLOCK_MHZ = "highest clock"  # that the system allows a core
    GOVERNOR = "governor"  # of a core, a word
    TEMPERATURE_C = "temperature"  # of a sensor
    THROTTLED = "throttled"  # 1 or 0, of a sign of throttling: under-voltage, for example
    THROTTLED_BEFORE = "throttled before"  # the same since the device was started
    THROTTLINGS = "throttlings"  # how often heat lowered the clock of a core since the device was started
    POWER_W = "power"  # of a sensor
    SUPPLY = "supply"  # a word: mains or battery
    CHARGE_PERCENT = "charge"  # of a battery
    LOAD = "load"  # mean number of running processes over a minute
    WAITED_SECONDS = "waited"  # that a thread of the measured process was ready to run and had no core
    RUNS_ON = "runs on"  # 1, of a core that a thread of the measured process runs on
    STOLEN_TICKS = "stolen"  # processor time that went to other virtual machines
    ALL_TICKS = "all ticks"


@dataclass(frozen=True, slots=True)
class Reading:
    """A value; a number except where the quantity is told in a word."""

    quantity: Quantity
    of: str
    value: float | str


@dataclass(frozen=True, kw_only=True)
class Sample:
    """All readings of a moment ``at``, in seconds of the monotonic clock; reading them took ``cost_ms``."""

    at: float
    readings: tuple[Reading, ...]
    cost_ms: float

    def numbers(self, quantity: Quantity) -> dict[str, float]:
        """The values of a quantity, by what they are of."""
        return {
            one.of: one.value for one in self.readings if one.quantity == quantity and not isinstance(one.value, str)
        }

    def words(self, quantity: Quantity) -> Iterator[tuple[str, str]]:
        """The words of a quantity, each with the part that they are of."""
        return ((one.of, one.value) for one in self.readings if one.quantity == quantity and isinstance(one.value, str))


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One source of readings on a device, for the process of that id.

    ``rare``: it runs a program of the device, which takes longer than reading files: at start, end, and seldom between.
    """

    title: str
    read: Callable[[Place, int], Iterable[Reading]]
    rare: bool = False

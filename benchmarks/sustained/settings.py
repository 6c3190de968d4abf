"""Settings of a sustained measurement. Imports little: the command line takes its bounds from here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgesr.benchmarks.state.cores import require_pinning
from edgesr.runtimes.errors import InputError

LEAST_SECONDS = 30.0
LONGEST_SECONDS = 86_400.0
_TIMES = ("seconds", "window_seconds", "edge_seconds", "idle_seconds", "warmup_seconds", "sample_seconds")


@dataclass(frozen=True, kw_only=True)
class SustainedSettings:
    """Calls one after the other for so many ``seconds``, in windows; the first and the last ``edge_seconds`` are
    compared. Before, the device is watched for ``idle_seconds`` where a sensor tells its power, and calls are made for
    ``warmup_seconds``, which are short: a device that was cold is to be seen getting warm. It is sampled every
    ``sample_seconds``. ``cores`` and ``pin`` as for latency.
    """

    seconds: float
    window_seconds: float = 5.0
    edge_seconds: float = 30.0
    idle_seconds: float = 10.0
    warmup_seconds: float = 1.0
    sample_seconds: float = 1.0
    pin: bool = False
    cores: str | None = None

    def __post_init__(self) -> None:
        for name in _TIMES:
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)}: give a number of seconds above 0")
        require_pinning(cores=self.cores, pin=self.pin)

    @property
    def lasts_seconds(self) -> float:
        """The time for which a process is kept busy on purpose, in seconds."""
        return self.seconds + self.idle_seconds + self.warmup_seconds


def require_seconds(seconds: float) -> None:
    """Raise an InputError for a time that is too short to see a device warm up, or longer than a day."""
    if not LEAST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise InputError(
            f"--sustained {seconds:g}: give {LEAST_SECONDS:g} to {LONGEST_SECONDS:g} seconds; 300 shows most throttling"
        )

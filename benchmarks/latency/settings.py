"""Settings of the jobs that measure time. Imports little: the command line takes its defaults from here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgesr.benchmarks.state.cores import require_pinning
from edgesr.runtimes.errors import InputError


@dataclass(frozen=True, kw_only=True)
class LatencySettings:
    """Settings of each round: at least ``calls`` timed calls and ``seconds`` of them, one at a time.

    Warm-up ends when steady or after ``warmup_seconds``. ``pin``: each worker keeps to as many cores as it has threads.
    ``cores``: the ones that it keeps to instead, "big", "little" or numbers.
    ``mlperf``: the rules of MLPerf's single stream are kept over all rounds, and p90 is the figure to state.
    """

    calls: int = 10
    seconds: float = 1.0
    warmup_seconds: float = 5.0
    pin: bool = False
    mlperf: bool = False
    cores: str | None = None

    def __post_init__(self) -> None:
        if self.calls < 1:
            raise InputError(f"calls is {self.calls}: need at least 1")
        for name in ("seconds", "warmup_seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)}: give a number of seconds of 0 or more")
        require_pinning(cores=self.cores, pin=self.pin)


@dataclass(frozen=True, kw_only=True)
class EndToEndSettings:
    """The photograph's size (h,w), the memory for tiles (None: the default), how often both runs are timed in turn, and
    the ``cores`` that the process keeps to.
    """

    size: tuple[int, int]
    memory_bytes: int | None = None
    repeats: int = 3
    cores: str | None = None

    def __post_init__(self) -> None:
        require_pinning(cores=self.cores, pin=False)
        if min(self.size) < 1:
            raise InputError(f"size is {self.size}: need at least 1 pixel a side")
        if self.memory_bytes is not None and self.memory_bytes < 1:
            raise InputError(f"memory is {self.memory_bytes} bytes: need more than 0")
        if self.repeats < 1:
            raise InputError(f"repeats is {self.repeats}: need at least 1")


@dataclass(frozen=True, kw_only=True)
class ProfileSettings:
    """Operators are timed over ``calls``, after a first one."""

    calls: int = 10

    def __post_init__(self) -> None:
        if self.calls < 1:
            raise InputError(f"calls is {self.calls}: need at least 1")

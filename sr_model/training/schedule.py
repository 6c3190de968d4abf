"""The progress of a phase of training, by updates or by the clock, and the learning rate there."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Protocol

from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.processes import Processes

SECONDS_A_MINUTE = 60.0


class Pace(Protocol):
    """A measure of how far a phase is.

    ``minutes`` that it lasts and ``seconds`` that have passed, where it goes by the clock.
    """

    @property
    def minutes(self) -> float | None: ...

    @property
    def seconds(self) -> float: ...

    def share(self, step: int) -> float:
        """The share of the phase that is done after ``step`` updates of the run; at 1 the phase ends."""


@dataclass(frozen=True)
class StepPace:
    """A phase of the updates ``first`` to ``last``."""

    first: int
    last: int
    minutes: None = None
    seconds: float = 0.0

    def share(self, step: int) -> float:
        """The share of the updates that are done."""
        return (step - self.first) / (self.last - self.first)


class TimePace:
    """A phase that lasts ``minutes``, of which ``seconds_before`` were trained by a run that this one continues.

    All processes go by the clock of the one that is furthest, so that they take the same steps.
    """

    def __init__(self, minutes: float, seconds_before: float, processes: Processes) -> None:
        self.minutes = minutes
        self._seconds_before = seconds_before
        self._processes = processes
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds of the phase that have passed."""
        return self._seconds_before + time.monotonic() - self._started

    def share(self, step: int) -> float:  # noqa: ARG002
        """The share of the time that has passed."""
        return min(1.0, self._processes.largest(self.seconds) / (self.minutes * SECONDS_A_MINUTE))


def l1_learning_rate(config: TrainConfig, share: float) -> float:
    """Cosine from ``learning_rate`` at the start to ``final_learning_rate`` at the end (SGDR, arXiv 1608.03983)."""
    fraction = 0.5 * (1 + math.cos(math.pi * share))
    return config.final_learning_rate + (config.learning_rate - config.final_learning_rate) * fraction


def gan_learning_rate(config: TrainConfig, share: float) -> float:
    """``gan_learning_rate`` halved at every milestone that is reached.

    Milestones count updates of the phase; in a phase that goes by the clock the last of them stands for its end.
    """
    total = config.gan_steps if config.minutes is None else max(config.gan_milestones, default=0)
    done = round(share * total)
    return float(config.gan_learning_rate * 0.5 ** sum(done >= milestone for milestone in config.gan_milestones))

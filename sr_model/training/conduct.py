"""The conduct of a run: all settings that do not decide its weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from edgesr.runtimes.progress import Progress, silent
from edgesr.sr_model.training.patches.photographs import PhotographReader
from edgesr.sr_model.training.run.resources import DEFAULT_DEVICE


def _nothing() -> None:
    """Default callback of a run that is saved."""


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """``device``: auto, cpu or cuda. ``curves``: whether curves.png is drawn, which needs matplotlib.

    ``recorded``: whether updates on CUDA are recorded once and replayed; ``repeatable``: whether two runs there give
    the same bytes, which may be slower. ``deadline``: when the run is left to be continued, on the clock of
    `time.monotonic`. ``saved`` is called whenever the run can be continued from where it is. ``reader`` reads the
    photographs.
    """

    device: str = DEFAULT_DEVICE
    curves: bool = True
    recorded: bool = True
    repeatable: bool = False
    deadline: float = math.inf
    saved: Callable[[], None] = _nothing
    reader: PhotographReader = field(default_factory=PhotographReader)
    progress: Progress = silent

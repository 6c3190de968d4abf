"""The first minute on a new accelerator: how fast it trains, and whether a resumed run gives the same weights."""

from __future__ import annotations

import dataclasses
import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.progress import Progress, ProgressEvent, silent
from edgesr.sr_model.generators.checkpoint import load_checkpoint
from edgesr.sr_model.training.conduct import Conduct
from edgesr.sr_model.training.prepared.plan import PlannedRun, inputs_of
from edgesr.sr_model.training.run.folder import RunFolder
from edgesr.sr_model.training.train import run_training

_MOST_STEPS = 400
_ONE_BY_ONE, _REPLAYED, _WHOLE, _RESUMED = "one by one", "replayed", "repeatable", "resumed"


@dataclass(frozen=True)
class Check:
    """``why_not``: the error where updates cannot be replayed here, else "".

    Speed of updates that were done one by one, of replayed ones, and of those whose convolutions are repeatable.
    Largest differences of a weight: ``resumed_difference`` between a run that was cut in half and one that was not,
    both repeatable, ``replayed_difference`` between replayed updates and others.
    """

    why_not: str
    lr_pixels_per_second: dict[str, float]
    peak_share: dict[str, float]
    resumed_difference: float
    replayed_difference: float

    @property
    def text(self) -> str:
        """The same in a line."""
        speed = ", ".join(
            f"{name} {rate:,.0f} LR pixels/s ({self.peak_share[name]:.1%} of the measured peak)"
            for name, rate in self.lr_pixels_per_second.items()
        )
        failed = f"; updates cannot be replayed: {self.why_not}" if self.why_not else ""
        return (
            f"check: {speed}; largest difference of a weight after resuming {self.resumed_difference:g}, "
            f"by replaying {self.replayed_difference:g}{failed}"
        )


class _Cut(Exception):
    """An exception that ends a run in its middle."""


def check_accelerator(run: PlannedRun, folder: Path, output: Path, conduct: Conduct, *, share: float) -> Check:
    """Train a few updates of a run: replayed, one by one, and cut in half. ``output`` is thrown away."""
    half = max(1, round(_MOST_STEPS * share / 2))
    config = dataclasses.replace(run.config, minutes=None, steps=2 * half, validate_every=half)
    inputs = dataclasses.replace(inputs_of(run, folder, output), validation=None)

    def train(name: str, *, recorded: bool, repeatable: bool = False, progress: Progress = silent) -> None:
        own = dataclasses.replace(conduct, recorded=recorded, repeatable=repeatable, progress=progress)
        run_training(inputs, output / name, config, dataclasses.replace(own, deadline=math.inf))

    train(_ONE_BY_ONE, recorded=False)
    why_not = ""
    try:
        train(_REPLAYED, recorded=True)
    except RuntimeError as error:
        why_not = f"{type(error).__name__}: {error}"
    train(_WHOLE, recorded=not why_not, repeatable=True)
    with suppress(_Cut):
        train(_RESUMED, recorded=not why_not, repeatable=True, progress=_cutting(half + 1))
    train(_RESUMED, recorded=not why_not, repeatable=True)
    names = [name for name in (_ONE_BY_ONE, _REPLAYED, _WHOLE) if not why_not or name != _REPLAYED]
    rows = {name: RunFolder(output / name).metrics()[-1] for name in names}
    return Check(
        why_not=why_not,
        lr_pixels_per_second={name: row["lr_pixels_per_second"] for name, row in rows.items()},
        peak_share={name: row["peak_share"] for name, row in rows.items()},
        resumed_difference=_difference(output / _WHOLE, output / _RESUMED),
        replayed_difference=0.0 if why_not else _difference(output / _ONE_BY_ONE, output / _REPLAYED),
    )


def _cutting(step: int) -> Progress:
    def cut(event: ProgressEvent) -> None:
        if (event.task, event.done) == ("train", step):
            raise _Cut

    return cut


def _difference(first: Path, second: Path) -> float:
    """The largest difference between two runs' weights."""
    one, other = (load_checkpoint(RunFolder(run).generator).state_dict() for run in (first, second))
    return max(float((one[name] - other[name]).abs().max()) for name in one)

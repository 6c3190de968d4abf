"""The plan of a prepared training: runs that follow each other, each for some minutes."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_file import read_json
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.sr_model.training.config import LossWeights, TrainConfig
from edgesr.sr_model.training.run.folder import RunFolder
from edgesr.sr_model.training.run.inputs import TrainInputs

PHOTOGRAPHS, VALIDATION, UNPAIRED, TRUNK, PLAN = "photographs", "validation", "unpaired", "vgg.safetensors", "plan.json"
_REMAKE = "pack it again"
_LEAST_BATCH = 2


@dataclass(frozen=True)
class PlannedRun:
    """A run by its name, its settings, and the run whose generator it starts from, "" for new weights."""

    name: str
    config: TrainConfig
    start: str = ""

    @property
    def minutes(self) -> float:
        """The length of the run, in minutes."""
        assert self.config.minutes is not None
        return self.config.minutes

    @property
    def is_divisible(self) -> bool:
        """Whether it can be left and continued: the state of a GAN phase is too large to be sent back."""
        return not self.config.gan_steps


@dataclass(frozen=True)
class Plan:
    """Runs in their order, after a check of ``check_minutes``."""

    check_minutes: float
    runs: tuple[PlannedRun, ...]

    def __post_init__(self) -> None:
        if not self.runs or not self.runs[0].is_divisible:
            raise InputError("the first run has to have an L1 phase: the check is done with it")
        known = [""]
        for run in self.runs:
            if run.start not in known:
                raise InputError(f"run {run.name}: starts from {run.start!r}, which is not before it")
            if run.config.minutes is None:
                raise InputError(f"run {run.name}: has no minutes")
            known.append(run.name)

    def scaled(self, share: float) -> Plan:
        """The same with a share of the time and of the batches, to try it on a CPU."""
        runs = tuple(dataclasses.replace(run, config=_scaled(run.config, share)) for run in self.runs)
        return Plan(self.check_minutes * share, runs)

    def write(self, folder: Path) -> None:
        """Write it into a packed folder."""
        (folder / PLAN).write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")


def read_plan(folder: Path) -> Plan:
    """The plan of a packed folder."""
    try:
        return decode(Plan, read_json(folder / PLAN, remake=_REMAKE))
    except (DecodeError, InputError) as error:
        raise InputError(f"{folder / PLAN}: damaged, or of another edgesr: {error}; {_REMAKE}") from error


def inputs_of(run: PlannedRun, folder: Path, output: Path) -> TrainInputs:
    """The inputs of a run, in a packed folder and in the folder of results."""
    trunk = folder / TRUNK
    return TrainInputs(
        photographs=folder / PHOTOGRAPHS,
        validation=_if_there(folder / VALIDATION),
        unpaired=_if_there(folder / UNPAIRED),
        checkpoint=RunFolder(output / run.start).generator if run.start else None,
        perceptual_weights=_if_there(trunk) if run.config.gan_steps else None,
    )


def default_plan() -> Plan:
    """A minute of check and 10.75 of training, in parts of nine minutes and three: see docs/training.md."""
    return Plan(
        check_minutes=1.0,
        runs=(
            PlannedRun("mobile-l-clean", _l1("mobile-l", minutes=4.5, degradation="clean")),
            PlannedRun("mobile-m-clean", _l1("mobile-m", minutes=2.5, degradation="clean")),
            PlannedRun("mobile-l-real", _l1("mobile-l", minutes=2.0, degradation="real"), start="mobile-l-clean"),
            PlannedRun("mobile-l-perceptual", _gan("mobile-l", minutes=1.75), start="mobile-l-real"),
        ),
    )


def _l1(preset: str, *, minutes: float, degradation: str) -> TrainConfig:
    return TrainConfig(
        preset=preset,
        degradation=degradation,
        minutes=minutes,
        batch_size=32,
        patch_size=64,
        learning_rate=1e-3,
        luma_weight=0.8 if degradation == "clean" else 0.0,
        reductions=(0.8,),
        precision="bf16",
    )


def _gan(preset: str, *, minutes: float) -> TrainConfig:
    return TrainConfig(
        preset=preset,
        degradation="real",
        minutes=minutes,
        steps=0,
        gan_steps=1,
        batch_size=16,
        patch_size=32,
        loss_weights=LossWeights(perceptual=2.0, adversarial=0.02),
        perceptual_block=3,
        reductions=(0.8,),
        precision="bf16",
    )


def _scaled(config: TrainConfig, share: float) -> TrainConfig:
    assert config.minutes is not None
    size = max(_LEAST_BATCH, round(config.batch_size * share))
    return dataclasses.replace(config, minutes=config.minutes * share, batch_size=size)


def _if_there(path: Path) -> Path | None:
    return path if path.exists() else None

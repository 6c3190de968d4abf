"""The progress of a run, by updates and by the clock."""

from __future__ import annotations

import dataclasses
import itertools
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import ProgressEvent
from edgesr.sr_model.evaluation.generator_quality import MeanQuality
from edgesr.sr_model.generators.published import read_state
from edgesr.sr_model.training.conduct import Conduct
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.processes import Processes
from edgesr.sr_model.training.run.inputs import TrainInputs
from edgesr.sr_model.training.schedule import StepPace, TimePace
from edgesr.sr_model.training.train import run_training, train
from tests.helpers.training_runs import GAN, L1, rows_of

ALONE = Processes(0, 1, torch.device("cpu"))
MOBILE = {**L1, "preset": "mobile-s", "minutes": 1.0}


class Clock:
    """A clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds_an_update: float) -> None:
        self.now = 1000.0
        self.step = seconds_an_update
        for module in ("schedule", "loop"):
            clocks = SimpleNamespace(monotonic=lambda: self.now, perf_counter=time.perf_counter)
            monkeypatch.setattr(f"edgesr.sr_model.training.{module}.time", clocks)

    def tick(self, event: ProgressEvent) -> None:
        if event.task == "train":
            self.now += self.step


def test_pace_by_updates() -> None:
    pace = StepPace(10, 30)
    assert [pace.share(step) for step in (10, 15, 30)] == [0, 0.25, 1]


def test_pace_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 0)
    pace = TimePace(2.0, 30.0, ALONE)
    assert pace.share(0) == pytest.approx(0.25)
    clock.now += 45
    assert pace.seconds == pytest.approx(75)
    assert pace.share(7) == pytest.approx(0.625)
    clock.now += 500
    assert pace.share(7) == 1


def test_run_by_the_clock_ends_in_time_and_saves_ten_times(
    train_inputs: TrainInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, 2.0)
    conduct = Conduct(device="cpu", curves=False, progress=clock.tick)
    run_training(train_inputs, tmp_path / "run", TrainConfig(**MOBILE), conduct)
    assert [row["step"] for row in rows_of(tmp_path / "run")] == [3 * k + 1 for k in range(1, 10)] + [31]
    state = read_state(tmp_path / "run" / "state.pt")
    assert state["seconds"].item() == pytest.approx(60, abs=2)
    assert (tmp_path / "run" / "generator-l1.safetensors").is_file()
    before = (tmp_path / "run" / "state.pt").read_bytes()
    run_training(train_inputs, tmp_path / "run", TrainConfig(**MOBILE), conduct)
    assert (tmp_path / "run" / "state.pt").read_bytes() == before, "a run that is over is left alone"


def test_run_is_left_at_its_deadline_and_continued(
    train_inputs: TrainInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In two parts it takes as many updates as in one."""
    clock = Clock(monkeypatch, 3.0)
    config = TrainConfig(**MOBILE)
    conduct = Conduct(device="cpu", curves=False, deadline=clock.now + 25, progress=clock.tick)
    assert not run_training(train_inputs, tmp_path / "run", config, conduct)
    left = read_state(tmp_path / "run" / "state.pt")
    assert left["seconds"].item() == pytest.approx(24, abs=3)
    assert not (tmp_path / "run" / "generator-l1.safetensors").exists()
    clock.now += 10_000
    conduct = dataclasses.replace(conduct, deadline=clock.now + 1000)
    assert run_training(train_inputs, tmp_path / "run", config, conduct)
    assert read_state(tmp_path / "run" / "state.pt")["step"].item() == pytest.approx(21, abs=1)
    assert not (tmp_path / "run" / "curves.png").exists()


def test_learning_rate_falls_with_the_time(
    train_inputs: TrainInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the speed: the weights of a slow machine move as far at the end as those of a fast one, hardly."""
    clock = Clock(monkeypatch, 15.0)
    config = TrainConfig(**{**MOBILE, "ema_decay": 0.0, "learning_rate": 1e-3})
    states: list[dict[str, torch.Tensor]] = []

    def keep(event: ProgressEvent) -> None:
        clock.tick(event)
        if event.task == "train" and (tmp_path / "run" / "state.pt").exists():
            states.append(read_state(tmp_path / "run" / "state.pt"))

    run_training(train_inputs, tmp_path / "run", config, Conduct(device="cpu", curves=False, progress=keep))
    states.append(read_state(tmp_path / "run" / "state.pt"))
    name = "generator.body.tail.weight"
    moved = [(b[name] - a[name]).abs().mean().item() for a, b in itertools.pairwise(states)]
    assert len(moved) >= 3
    assert moved[-1] < 0.5 * moved[0]


@pytest.mark.slow
def test_gan_phase_by_the_clock(train_inputs: TrainInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 30.0)
    config = TrainConfig(**{**GAN, "preset": "mobile-s", "steps": 0, "gan_steps": 1, "minutes": 1.0})
    run_training(train_inputs, tmp_path / "run", config, Conduct(device="cpu", curves=False, progress=clock.tick))
    rows = rows_of(tmp_path / "run")
    assert rows[-1]["step"] == 3
    assert "adversarial" in rows[-1]
    assert "lr_pixels_per_second" not in rows[-1], "other networks than the generator are trained too"


@pytest.mark.parametrize(("seconds", "validated"), [(0.01, 10), (4.0, 2)])
def test_validations_take_a_small_share_of_the_time(
    train_inputs: TrainInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, validated: int
) -> None:
    """A save comes every 12 seconds; of dear validations the first and the last are done."""
    clock = Clock(monkeypatch, 3.0)

    def validate(*_: object) -> MeanQuality:
        clock.now += seconds
        return MeanQuality(psnr_y_db=30.0, psnr_rgb_db=29.0, ssim=0.9)

    monkeypatch.setattr("edgesr.sr_model.training.loop.validate", validate)
    inputs = dataclasses.replace(train_inputs, validation=train_inputs.photographs)
    conduct = Conduct(device="cpu", curves=False, progress=clock.tick)
    run_training(inputs, tmp_path / "run", TrainConfig(**{**MOBILE, "minutes": 2.0}), conduct)
    rows = rows_of(tmp_path / "run")
    assert len(rows) >= 10
    assert sum("psnr_y_db" in row for row in rows) == validated
    assert "psnr_y_db" in rows[0] and "psnr_y_db" in rows[-1]


def test_run_of_a_blink_has_one_update(train_inputs: TrainInputs, tmp_path: Path) -> None:
    path = train(train_inputs, tmp_path / "run", TrainConfig(**{**MOBILE, "minutes": 1e-12}))
    assert path.is_file()
    assert rows_of(tmp_path / "run")[-1]["step"] == 1


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf"), 1e9, "5"])
def test_minutes_that_cannot_be(minutes: object) -> None:
    with pytest.raises(InputError, match="minutes is"):
        TrainConfig(**{**L1, "minutes": minutes})


def test_a_run_of_two_phases_has_no_minutes() -> None:
    with pytest.raises(InputError, match="one phase; set steps or gan_steps to 0"):
        TrainConfig(**{**GAN, "minutes": 5})

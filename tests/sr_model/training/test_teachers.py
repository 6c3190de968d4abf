"""Teachers: what they make of HR, what a run learns from it, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.checkpoint import save_checkpoint
from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.patches.batches import Batches
from edgesr.sr_model.training.patches.photographs import Photograph
from edgesr.sr_model.training.patches.teaching import taught
from edgesr.sr_model.training.processes import Processes
from edgesr.sr_model.training.run.inputs import TrainInputs
from edgesr.sr_model.training.train import train
from tests.helpers.training_runs import L1, rows_of


def _marks_the_first_row(lr: Pixels) -> Pixels:
    """Every pixel four times each way, and 80 more in the first row."""
    sr = lr.repeat(4, axis=0).repeat(4, axis=1)
    sr[0] += 80
    return sr


def test_the_target_is_hr_and_the_mean_of_the_eight_turned_pictures() -> None:
    """A teacher that marks the first row marks each side in two of the eight: 20 more, 40 in a corner."""
    photograph = Photograph(np.full((8, 12, 3), 30, np.uint8), np.full((2, 3, 3), 10, np.uint8))
    (result,) = taught([photograph], [_marks_the_first_row], share=0.5)
    expected = np.full((8, 12, 3), 20)
    expected[[0, -1]] += 10
    expected[:, [0, -1]] += 10
    assert result.taught is not None
    np.testing.assert_array_equal(result.taught, expected)
    assert result.hr is photograph.hr


def test_several_teachers_give_their_mean() -> None:
    photograph = Photograph(np.zeros((8, 8, 3), np.uint8), np.zeros((2, 2, 3), np.uint8))
    (result,) = taught([photograph], [lambda _: photograph.hr + 40, lambda _: photograph.hr + 90], share=1.0)
    assert result.taught is not None
    assert set(result.taught.ravel()) == {65}


@pytest.mark.parametrize("degradation", ["clean", "blur:2", "real"])
def test_lr_comes_from_hr_and_the_target_from_the_teachers(degradation: str) -> None:
    hr = np.random.default_rng(0).integers(0, 256, (128, 160, 3), dtype=np.uint8)
    plain = Photograph(hr, hr[::4, ::4].copy())
    with_teachers = plain._replace(taught=255 - hr)
    first, second = (
        Batches(
            [photograph],
            [],
            Processes(0, 1, torch.device("cpu")),
            degradation=degradation,
            batch_size=3,
            patch_size=8,
            scale=4,
            seed=0,
        ).batch(2)
        for photograph in (plain, with_teachers)
    )
    assert torch.equal(first.lr, second.lr)
    assert torch.equal(second.hr, 255 - first.hr)


def _checkpoint(path: Path, seed: int, scale: int = 4) -> Path:
    torch.manual_seed(seed)
    save_checkpoint(path, Generator(dataclasses.replace(preset("mobile-s"), scale=scale)), {})
    return path


def test_a_run_learns_from_its_teachers(train_inputs: TrainInputs, tmp_path: Path) -> None:
    """Next to the teacher's own weights the loss is what the eight turns and rounding leave, far below that to HR."""
    start = _checkpoint(tmp_path / "start.safetensors", 0)
    config = TrainConfig(**{**L1, "preset": "mobile-s", "teacher_share": 1.0, "learning_rate": 1e-6})
    losses = []
    for name, teachers in (("taught", (start,)), ("plain", ())):
        inputs = dataclasses.replace(train_inputs, checkpoint=start, teachers=teachers)
        train(inputs, tmp_path / name, config)
        losses.append(rows_of(tmp_path / name)[-1]["l1"])
    assert losses[0] < 0.5 * losses[1]


def test_other_teachers_in_the_same_folder_are_refused(train_inputs: TrainInputs, tmp_path: Path) -> None:
    first, second = (_checkpoint(tmp_path / f"{seed}.safetensors", seed) for seed in (1, 2))
    config = TrainConfig(**{**L1, "preset": "mobile-s", "steps": 2})
    train(dataclasses.replace(train_inputs, teachers=(first,)), tmp_path / "run", config)
    for teachers in ((), (second,), (first, second)):
        with pytest.raises(InputError, match="the input teachers is another"):
            train(dataclasses.replace(train_inputs, teachers=teachers), tmp_path / "run", config)


def test_teachers_that_do_not_fit_are_refused_before_training(train_inputs: TrainInputs, tmp_path: Path) -> None:
    teacher = _checkpoint(tmp_path / "teacher.safetensors", 0)
    other = _checkpoint(tmp_path / "x2.safetensors", 0, scale=2)
    config = TrainConfig(**{**L1, "preset": "mobile-s"})
    run = tmp_path / "run"
    with pytest.raises(InputError, match=r"x2\.safetensors: is a teacher for x2, preset mobile-s is x4"):
        train(dataclasses.replace(train_inputs, teachers=(other,)), run, config)
    with pytest.raises(InputError, match="discriminators of the GAN phase have to see real HR"):
        train(
            dataclasses.replace(train_inputs, teachers=(teacher,)),
            run,
            dataclasses.replace(config, gan_steps=1),
        )
    with pytest.raises(InputError, match=r"teacher_share is 0: need a number above 0, at most 1"):
        dataclasses.replace(config, teacher_share=0)
    assert not run.exists()

"""The training loop: what it learns and says, bad input; the quality of the embedded weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import ProgressEvent
from edgesr.sr_model.evaluation.generator_quality import validate
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint, load_checkpoint
from edgesr.sr_model.generators.published import read_state
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.patches.photographs import load_photographs
from edgesr.sr_model.training.run.inputs import TrainInputs
from edgesr.sr_model.training.train import train
from tests.helpers.training_runs import GAN, L1, rows_of


def test_loss_falls_and_validation_is_logged(train_inputs: TrainInputs, tmp_path: Path) -> None:
    config = TrainConfig(**{**L1, "batch_size": 8, "steps": 60, "validate_every": 30})
    inputs = TrainInputs(photographs=train_inputs.photographs, validation=train_inputs.photographs)
    train(inputs, tmp_path / "run", config)
    first, last = rows_of(tmp_path / "run")
    assert last["l1"] < first["l1"]
    assert 15 < last["psnr_y_db"] < 60
    assert 0 < last["ssim"] < 1
    assert 0 <= last["data_wait_share"] < 1
    with Image.open(tmp_path / "run" / "curves.png") as picture:
        assert picture.width > 800
        assert picture.height > picture.width / 2, "one row of curves and one of sample pictures"


def test_speed_is_told_while_the_run_goes_on(train_inputs: TrainInputs, tmp_path: Path) -> None:
    """From the first save on: LR pixels a second, and their share of the measured peak."""
    notes: list[str] = []

    def note(event: ProgressEvent) -> None:
        if event.task == "train":
            notes.append(event.note)

    train(train_inputs, tmp_path / "run", TrainConfig(**L1), progress=note)
    assert ["of the measured peak" in note for note in notes] == [False, False, True, True, True, True]
    assert re.search(r", \d[\d,]* LR pixels a second, \d+% of the measured peak$", notes[-1])


@pytest.mark.slow
def test_gan_phase_starts_from_the_l1_generator_and_logs_every_loss(
    train_inputs: TrainInputs, whole_runs: Callable[[str], Path], tmp_path: Path
) -> None:
    run = whole_runs("gan")
    l1_row, gan_row, _ = rows_of(run)
    assert set(l1_row) == {"step", "seconds", "data_wait_share", "lr_pixels_per_second", "peak_share", "l1"}
    assert set(gan_row) - set(l1_row) == {
        "total",
        "total_variation",
        "adversarial",
        "adversarial_lr",
        "cycle_lr",
        "cycle_hr",
        "perceptual",
        "discriminator_lr",
        "discriminator_hr",
    }
    alone = train(train_inputs, tmp_path / "l1", TrainConfig(**{**GAN, "gan_steps": 0}))
    start, end = (load_checkpoint(run / f"generator{suffix}.safetensors") for suffix in ("-l1", ""))
    expected = load_checkpoint(alone)
    for name, tensor in start.state_dict().items():
        assert torch.equal(tensor, expected.state_dict()[name])
    assert any(not torch.equal(a, b) for a, b in zip(start.parameters(), end.parameters(), strict=True))


@pytest.mark.slow
def test_written_generator_is_the_moving_average(train_inputs: TrainInputs, tmp_path: Path) -> None:
    """Decay 0 writes the last parameters, a decay near 1 something between them and the start."""
    head = "body.head.weight"
    last = load_checkpoint(train(train_inputs, tmp_path / "last", TrainConfig(**L1, ema_decay=0))).state_dict()
    state = read_state(tmp_path / "last" / "state.pt")
    assert torch.equal(last[head], state[f"generator.{head}"])
    slow = load_checkpoint(train(train_inputs, tmp_path / "slow", TrainConfig(**L1, ema_decay=0.9))).state_dict()
    assert not torch.equal(slow[head], last[head])
    averaged = read_state(tmp_path / "slow" / "state.pt")
    assert torch.equal(averaged[f"generator.{head}"], state[f"generator.{head}"]), "averaging changes no training"


@pytest.mark.slow
def test_unpaired_photographs_change_the_cycle(
    train_inputs: TrainInputs, whole_runs: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    Image.fromarray(np.full((20, 30, 3), 255, np.uint8)).save(folder / "white.png")
    unpaired = TrainInputs(photographs=train_inputs.photographs, unpaired=folder)
    train(unpaired, tmp_path / "unpaired", TrainConfig(**GAN))
    (first, one, _), (second, two, _) = (rows_of(run) for run in (whole_runs("gan"), tmp_path / "unpaired"))
    assert first["l1"] == second["l1"], "the L1 phase is the same"
    assert one["cycle_lr"] != two["cycle_lr"]


def test_broken_and_tiny_photographs_are_skipped_and_counted(train_inputs: TrainInputs, tmp_path: Path) -> None:
    (train_inputs.photographs / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 40)
    Image.new("RGB", (1001, 1)).save(train_inputs.photographs / "tiny.png")
    notices: list[str] = []
    config = TrainConfig(**{**L1, "steps": 1})
    train(
        train_inputs,
        tmp_path / "run",
        config,
        progress=lambda e: notices.append(e.note) if e.is_notice else None,
    )
    assert notices == ["skipped 2 images, broken or too small: broken.png, tiny.png"]
    read = load_photographs(train_inputs.photographs, scale=4, patch_size=8)
    assert len(read.images) == 2
    assert sorted(read.skipped) == ["broken.png", "tiny.png"]


@pytest.mark.slow
def test_without_vgg_weights_training_says_so(
    train_inputs: TrainInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgesr.sr_model.training.cyclic_gan.vgg_trunk.packaged_weights_available", lambda: False)
    notices: list[str] = []
    train(
        train_inputs,
        tmp_path / "run",
        TrainConfig(**GAN),
        progress=lambda e: notices.append(e.note) if e.is_notice else None,
    )
    assert len(notices) == 1
    assert "without perceptual loss" in notices[0]
    assert "perceptual" not in rows_of(tmp_path / "run")[-1]


def test_settings_that_cannot_be_trained_are_refused() -> None:
    for change, message in (
        ({"patch_size": 9, "gan_steps": 1}, "multiple of 32"),
        ({"steps": 0}, "nothing to train"),
        ({"degradation": "rain:3"}, "rain:3"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"gan_learning_rate": 0.0}, "gan_learning_rate"),
        ({"luma_weight": 1.5}, "luma_weight"),
        ({"seed": -1}, "seed"),
        ({"reductions": (0.8, 1.0)}, "reductions"),
        ({"preset": "x"}, "unknown preset"),
    ):
        with pytest.raises(InputError, match=message):
            TrainConfig(**{**L1, **change})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "degradation", "least_y_db", "least_rgb_db"),
    [
        ("srrescycgan-mobile", "clean", "clean", 31.3, 29.3),
        ("srrescycgan-mobile", "real", "noise:8", 29.3, 24.41 + 1.0),
        ("srrescycgan-mobile", "real", "jpeg:30", 26.6, 22.78 + 1.0),
        ("srrescycgan", "real", "noise:8", 28.7, 24.41 + 1.0),
        ("srrescycgan", "real", "jpeg:30", 26.2, 23.11 + 0.3),
    ],
)
def test_embedded_weights_reach_their_quality(
    name: str, kind: str, degradation: str, least_y_db: float, least_rgb_db: float, shared: Path
) -> None:
    """On Set5, where published weights have 24.41 (noise) and 22.78 dB RGB (JPEG), a bicubic filter 23.11 (JPEG)."""
    generator = load_checkpoint(embedded_checkpoint(name, weights=kind))
    quality = validate(generator, read_image_set(shared / "data" / "Set5"), degradation)
    assert quality.psnr_y_db >= least_y_db
    assert quality.psnr_rgb_db >= least_rgb_db

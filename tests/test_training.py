"""The training loop: what it learns, resuming, patches, and the quality of the embedded weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.degradations import downscale_bicubic, upscale_bicubic
from export.samples import photograph_files
from runtimes.errors import InputError
from runtimes.progress import ProgressEvent
from sr_model.checkpoint import embedded_checkpoint, load_checkpoint
from sr_model.config import TrainConfig
from sr_model.data import PatchDataset, load_photographs
from sr_model.evaluate import evaluate_folder, mean_quality
from sr_model.train import learning_rate_at, train

CONFIG = {"preset": "srrescycgan-mobile", "batch_size": 2, "patch_size": 8, "validate_every": 2}


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with two small photographs, one in a sub-folder."""
    folder = tmp_path / "photographs"
    (folder / "more").mkdir(parents=True)
    for file, name in zip(photograph_files(), ("a.png", "more/b.png"), strict=False):
        Image.open(file).convert("RGB").save(folder / name)
    return folder


class Stopped(Exception):
    """Stands for a killed run."""


def stop_at(step: int) -> object:
    def progress(event: ProgressEvent) -> None:
        if event.task == "train" and event.done == step:
            raise Stopped

    return progress


def test_resumed_run_equals_an_uninterrupted_one(photographs: Path, tmp_path: Path) -> None:
    config = TrainConfig(steps=6, **CONFIG)  # type: ignore[arg-type]
    whole = train(photographs, tmp_path / "whole", config)
    with pytest.raises(Stopped):
        train(photographs, tmp_path / "cut", config, progress=stop_at(5))  # type: ignore[arg-type]
    seen: list[int] = []
    resumed = train(photographs, tmp_path / "cut", config, progress=lambda e: seen.append(e.done))
    assert whole.read_bytes() == resumed.read_bytes()
    assert min(done for done in seen if done > 2) == 5, "continues after the last saved step, 4"
    rows = [json.loads(line) for line in (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4, 6]


def test_loss_falls_and_validation_is_logged(photographs: Path, tmp_path: Path) -> None:
    config = TrainConfig(steps=40, **{**CONFIG, "validate_every": 20})  # type: ignore[arg-type]
    train(photographs, tmp_path / "run", config, validation=photographs)
    first, last = (json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    assert last["l1"] < first["l1"]
    assert 15 < last["validation_psnr_y_db"] < 60


def test_other_settings_and_other_folders_are_refused(photographs: Path, tmp_path: Path) -> None:
    config = TrainConfig(steps=2, **CONFIG)  # type: ignore[arg-type]
    train(photographs, tmp_path / "run", config)
    with pytest.raises(InputError, match="other settings"):
        train(photographs, tmp_path / "run", TrainConfig(steps=3, **CONFIG))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no training run"):
        train(photographs, photographs, config)
    with pytest.raises(InputError, match="no such folder"):
        train(tmp_path / "absent", tmp_path / "new", config)
    with pytest.raises(InputError, match="at least 4000 x 4000"):
        train(photographs, tmp_path / "new2", TrainConfig(steps=2, **{**CONFIG, "patch_size": 1000}))  # type: ignore[arg-type]


def test_patches_are_aligned_and_repeatable(photographs: Path) -> None:
    images = load_photographs(photographs, scale=4, patch_size=8)
    datasets = [PatchDataset(images, patch_size=8, scale=4, seed=seed, length=30) for seed in (0, 0, 1)]
    first, again, other = ([d[i] for i in range(30)] for d in datasets)
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0][0], other[0][0])
    for lr, hr in first:
        assert lr.shape == (3, 8, 8)
        assert hr.shape == (3, 32, 32)
        reduced = hr.reshape(3, 8, 4, 8, 4).mean(dim=(2, 4))
        assert (reduced - lr).abs().mean().item() < 12, "LR and HR show the same place, flipped the same way"


def test_learning_rate_is_a_cosine() -> None:
    config = TrainConfig(preset="srrescycgan", steps=100, learning_rate=1e-3, final_learning_rate=1e-5)
    assert learning_rate_at(config, 0) == pytest.approx(1e-3)
    assert learning_rate_at(config, 50) == pytest.approx((1e-3 + 1e-5) / 2)
    assert learning_rate_at(config, 100) == pytest.approx(1e-5)


def test_evaluation_pairs_and_bicubic(tmp_path: Path) -> None:
    """An HR image alone and the same with its LR beside it give the same figures; bicubic is computed here again."""
    hr = np.asarray(Image.open(photograph_files()[0]).convert("RGB"))[:64, :96]
    for folder in ("alone", "pair"):
        (tmp_path / folder).mkdir()
        Image.fromarray(hr).save(tmp_path / folder / "x_HR.png")
    Image.fromarray(downscale_bicubic(hr, 4)).save(tmp_path / "pair" / "x_LR.png")
    generator = load_checkpoint(embedded_checkpoint("srrescycgan-mobile"))
    (alone,), (pair,) = (evaluate_folder(generator, tmp_path / folder) for folder in ("alone", "pair"))
    assert alone == pair
    error = upscale_bicubic(downscale_bicubic(hr, 4), 4).astype(float) - hr
    expected = 10 * np.log10(255**2 / np.square(error[4:-4, 4:-4]).mean())
    assert alone.bicubic_psnr_rgb_db == pytest.approx(expected, abs=1e-9)
    Image.fromarray(hr[:32, :32]).save(tmp_path / "pair" / "x_LR.png")
    with pytest.raises(InputError, match="not 1/4"):
        evaluate_folder(generator, tmp_path / "pair")


@pytest.mark.slow
def test_embedded_weights_reach_their_quality(shared: Path) -> None:
    generator = load_checkpoint(embedded_checkpoint("srrescycgan-mobile"))
    quality = mean_quality(evaluate_folder(generator, shared / "data" / "Set5"))
    assert quality.bicubic_psnr_y_db == pytest.approx(28.43, abs=0.01)
    assert quality.psnr_y_db >= 30.6

"""The training loop: what it learns, resuming, interruption, broken numbers, bad input; the embedded weights."""

from __future__ import annotations

import errno
import functools
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.image_pairs import read_image_set
from export.samples import photograph_files
from runtimes.errors import EdgesrError, InputError
from runtimes.progress import ProgressEvent
from sr_model.checkpoint import embedded_checkpoint, load_checkpoint
from sr_model.config import TrainConfig
from sr_model.data import load_photographs
from sr_model.evaluate import validate
from sr_model.published import read_state
from sr_model.train import train
from sr_model.train_inputs import TrainInputs
from sr_model.train_state import TrainState

L1: dict[str, Any] = {
    "preset": "srrescycgan-mobile",
    "steps": 6,
    "batch_size": 2,
    "patch_size": 8,
    "validate_every": 2,
    "learning_rate": 1e-3,
}
GAN: dict[str, Any] = {**L1, "steps": 2, "gan_steps": 4, "perceptual_block": 1, "degradation": "mix"}
SETTINGS = {"l1": L1, "gan": GAN}


@pytest.fixture
def inputs(tmp_path: Path) -> TrainInputs:
    """A folder of its own with two photographs."""
    return make_inputs(tmp_path / "photographs")


@pytest.fixture(scope="module")
def whole_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of uninterrupted runs, "l1" or "gan", made once. Do not change them."""
    root = tmp_path_factory.mktemp("whole")
    inputs = make_inputs(root / "photographs")

    @functools.cache
    def run(phase: str) -> Path:
        train(inputs, root / phase, TrainConfig(**SETTINGS[phase]), workers=0)
        return root / phase

    return run


def make_inputs(folder: Path) -> TrainInputs:
    """A folder with two small photographs, one in a sub-folder."""
    (folder / "more").mkdir(parents=True)
    for file, name in zip(photograph_files(), ("a.png", "more/b.png"), strict=False):
        Image.open(file).convert("RGB").save(folder / name)
    return TrainInputs(photographs=folder)


def rows_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def at_step(step: int, action: Callable[[], None]) -> Callable[[ProgressEvent], None]:
    """A progress callback that acts when a training step is reached."""

    def progress(event: ProgressEvent) -> None:
        if event.task == "train" and event.done == step:
            action()

    return progress


class Killed(Exception):
    """Stands for a killed run."""


def kill() -> None:
    raise Killed


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    ("phase", "step", "stop"),
    [("l1", 1, kill), ("l1", 5, kill), ("l1", 3, press_ctrl_c), ("gan", 5, kill), ("gan", 3, press_ctrl_c)],
)
def test_resumed_run_equals_an_uninterrupted_one(
    phase: str,
    step: int,
    stop: Callable[[], None],
    inputs: TrainInputs,
    whole_runs: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    """Killed runs go on after the last saved step, Ctrl-C ones after the one that was running; same bytes."""
    config, whole = TrainConfig(**SETTINGS[phase]), whole_runs(phase)
    with pytest.raises((Killed, KeyboardInterrupt)):
        train(inputs, tmp_path / "cut", config, workers=0, progress=at_step(step, stop))
    seen: list[int] = []
    resumed = train(
        inputs,
        tmp_path / "cut",
        config,
        workers=1,
        progress=lambda e: seen.append(e.done) if e.task == "train" else None,
    )
    assert seen[0] == (step + 1 if stop is press_ctrl_c else step // 2 * 2 + 1)
    assert (whole / "generator.safetensors").read_bytes() == resumed.read_bytes()
    expected, state = (read_state(run / "state.pt") for run in (whole, tmp_path / "cut"))
    assert expected.keys() == state.keys()
    assert all(torch.equal(expected[name], state[name]) for name in expected)
    steps = [row["step"] for row in rows_of(tmp_path / "cut")]
    assert steps == sorted({2, 4, 6} | ({step} if stop is press_ctrl_c else set()))


def test_loss_falls_and_validation_is_logged(inputs: TrainInputs, tmp_path: Path) -> None:
    config = TrainConfig(**{**L1, "batch_size": 8, "steps": 60, "validate_every": 30})
    inputs = TrainInputs(photographs=inputs.photographs, validation=inputs.photographs)
    train(inputs, tmp_path / "run", config)
    first, last = rows_of(tmp_path / "run")
    assert last["l1"] < first["l1"]
    assert 15 < last["psnr_y_db"] < 60
    assert 0 < last["ssim"] < 1
    assert 0 <= last["data_wait_share"] < 1
    with Image.open(tmp_path / "run" / "curves.png") as picture:
        assert picture.width > 800
        assert picture.height > picture.width / 2, "one row of curves and one of sample pictures"


def test_gan_phase_starts_from_the_l1_generator_and_logs_every_loss(
    inputs: TrainInputs, whole_runs: Callable[[str], Path], tmp_path: Path
) -> None:
    run = whole_runs("gan")
    l1_row, gan_row, _ = rows_of(run)
    assert set(l1_row) == {"step", "seconds", "data_wait_share", "l1"}
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
    alone = train(inputs, tmp_path / "l1", TrainConfig(**{**GAN, "gan_steps": 0}), workers=0)
    start, end = (load_checkpoint(run / f"generator{suffix}.safetensors") for suffix in ("-l1", ""))
    expected = load_checkpoint(alone)
    for name, tensor in start.state_dict().items():
        assert torch.equal(tensor, expected.state_dict()[name])
    assert any(not torch.equal(a, b) for a, b in zip(start.parameters(), end.parameters(), strict=True))


def test_written_generator_is_the_moving_average(inputs: TrainInputs, tmp_path: Path) -> None:
    """Decay 0 writes the last parameters, a decay near 1 something between them and the start."""
    last = load_checkpoint(train(inputs, tmp_path / "last", TrainConfig(**L1, ema_decay=0), workers=0))
    state = read_state(tmp_path / "last" / "state.pt")
    assert torch.equal(last.body.head.weight, state["generator.body.head.weight"])
    slow = load_checkpoint(train(inputs, tmp_path / "slow", TrainConfig(**L1, ema_decay=0.9), workers=0))
    assert not torch.equal(slow.body.head.weight, last.body.head.weight)
    assert torch.equal(
        read_state(tmp_path / "slow" / "state.pt")["generator.body.head.weight"], state["generator.body.head.weight"]
    ), "averaging does not change the training"


def test_unpaired_photographs_change_the_cycle(
    inputs: TrainInputs, whole_runs: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    Image.fromarray(np.full((20, 30, 3), 255, np.uint8)).save(folder / "white.png")
    unpaired = TrainInputs(photographs=inputs.photographs, unpaired=folder)
    train(unpaired, tmp_path / "unpaired", TrainConfig(**GAN), workers=0)
    (first, one, _), (second, two, _) = (rows_of(run) for run in (whole_runs("gan"), tmp_path / "unpaired"))
    assert first["l1"] == second["l1"], "the L1 phase is the same"
    assert one["cycle_lr"] != two["cycle_lr"]


@pytest.mark.parametrize("settings", [L1, GAN], ids=["l1", "gan"])
def test_broken_numbers_stop_the_run_and_keep_the_last_good_checkpoint(
    settings: dict[str, Any], inputs: TrainInputs, tmp_path: Path
) -> None:
    rate = "gan_learning_rate" if settings is GAN else "learning_rate"
    config = TrainConfig(**{**settings, rate: 1e30, "validate_every": 1})
    with pytest.raises(EdgesrError, match="not finite"):
        train(inputs, tmp_path / "run", config, workers=0)
    generator = load_checkpoint(tmp_path / "run" / "generator.safetensors")
    assert all(p.isfinite().all() for p in generator.parameters())
    state = read_state(tmp_path / "run" / "state.pt")
    assert all(v.isfinite().all() for v in state.values() if v.is_floating_point())


@pytest.mark.parametrize(("step", "good_writes"), [(3, 0), (3, 1), (3, 2), (3, 3), (5, 1), (5, 3)])
def test_full_disk_loses_nothing(
    step: int,
    good_writes: int,
    inputs: TrainInputs,
    whole_runs: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever of a save's four files no longer fits: the run goes on from its last state to the same end."""
    run, left = tmp_path / "run", iter(range(good_writes))

    def fail(_handle: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    fill_up = at_step(step, lambda: monkeypatch.setattr("runtimes.files.os.fsync", fail))
    with pytest.raises(InputError, match="cannot be written: No space left"):
        train(inputs, run, TrainConfig(**L1), workers=0, progress=fill_up)
    assert int(read_state(run / "state.pt")["step"]) == step - 1
    assert not [p.name for p in run.iterdir() if p.name.startswith(".")], "nothing half-written is left"
    monkeypatch.undo()
    train(inputs, run, TrainConfig(**L1), workers=0)
    assert [row["step"] for row in rows_of(run)] == [2, 4, 6]
    for name in ("generator.safetensors", "generator-l1.safetensors"):
        assert (run / name).read_bytes() == (whole_runs("l1") / name).read_bytes()


def test_state_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    from sr_model.config import preset
    from sr_model.generator import Generator

    config = TrainConfig(**L1)
    state = TrainState(Generator(preset(config.preset)), config, torch.device("cpu"))
    state.require_finite(tmp_path / "state.pt")
    next(iter(state.generator.parameters())).data[0] = torch.nan
    with pytest.raises(EdgesrError, match=r"state\.pt keeps the last good state"):
        state.require_finite(tmp_path / "state.pt")


def test_other_inputs_are_refused(inputs: TrainInputs, tmp_path: Path) -> None:
    """A resumed run must see the same photographs and initial weights, and never its own pictures."""
    config = TrainConfig(**{**L1, "steps": 2})
    with pytest.raises(InputError, match="lies inside"):
        train(inputs, inputs.photographs / "run", config, workers=0)
    train(inputs, tmp_path / "run", config, workers=0)
    start = TrainInputs(photographs=inputs.photographs, checkpoint=embedded_checkpoint("srrescycgan-mobile"))
    with pytest.raises(InputError, match="other settings or inputs"):
        train(start, tmp_path / "run", config, workers=0)
    Image.new("RGB", (64, 64)).save(inputs.photographs / "new.png")
    with pytest.raises(InputError, match="other settings or inputs"):
        train(inputs, tmp_path / "run", config, workers=0)


def test_other_settings_and_other_folders_are_refused(inputs: TrainInputs, tmp_path: Path) -> None:
    config = TrainConfig(**{**L1, "steps": 2})
    train(inputs, tmp_path / "run", config, workers=0)
    with pytest.raises(InputError, match="other settings"):
        train(inputs, tmp_path / "run", TrainConfig(**L1), workers=0)
    with pytest.raises(InputError, match="no training run"):
        train(inputs, inputs.photographs.parent, config, workers=0)
    with pytest.raises(InputError, match="no such folder"):
        train(TrainInputs(photographs=tmp_path / "absent"), tmp_path / "new", config, workers=0)
    with pytest.raises(InputError, match=r"none of its 2 images can be used.*4000 x 4000"):
        train(inputs, tmp_path / "new2", TrainConfig(**{**L1, "patch_size": 1000}), workers=0)
    with pytest.raises(InputError, match="GPU"):
        train(inputs, tmp_path / "new3", config, device="cuda", workers=0)
    other = TrainInputs(photographs=inputs.photographs, checkpoint=embedded_checkpoint("srrescycgan", weights="real"))
    with pytest.raises(InputError, match="holds a 'srrescycgan'"):
        train(other, tmp_path / "new4", config, workers=0)


def test_state_of_another_network_is_refused(inputs: TrainInputs, tmp_path: Path) -> None:
    config = TrainConfig(**{**L1, "steps": 4})
    train(inputs, tmp_path / "run", config, workers=0)
    torch.save({"step": torch.tensor(2), "generator.body.head.weight": torch.zeros(3)}, tmp_path / "run" / "state.pt")
    with pytest.raises(InputError, match=r"state\.pt: no state of this run, or damaged"):
        train(inputs, tmp_path / "run", config, workers=0)


def test_broken_and_tiny_photographs_are_skipped_and_counted(inputs: TrainInputs, tmp_path: Path) -> None:
    (inputs.photographs / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 40)
    Image.new("RGB", (1001, 1)).save(inputs.photographs / "tiny.png")
    notices: list[str] = []
    config = TrainConfig(**{**L1, "steps": 1})
    train(
        inputs, tmp_path / "run", config, workers=0, progress=lambda e: notices.append(e.note) if e.is_notice else None
    )
    assert notices == ["skipped 2 images, broken or too small: broken.png, tiny.png"]
    read = load_photographs(inputs.photographs, scale=4, patch_size=8)
    assert len(read.images) == 2
    assert sorted(read.skipped) == ["broken.png", "tiny.png"]


def test_without_vgg_weights_training_says_so(
    inputs: TrainInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sr_model.vgg.packaged_weights_available", lambda: False)
    notices: list[str] = []
    train(
        inputs,
        tmp_path / "run",
        TrainConfig(**GAN),
        workers=0,
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

"""Training goes on after an interruption to the same bytes, and only from what belongs to it."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.progress import ProgressEvent
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint, load_checkpoint
from edgesr.sr_model.generators.published import read_state
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.run.inputs import TrainInputs
from edgesr.sr_model.training.run.state import TrainState
from edgesr.sr_model.training.train import train
from tests.helpers.training_runs import GAN, L1, SETTINGS, rows_of


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
    [
        ("l1", 1, kill),
        ("l1", 5, kill),
        ("l1", 3, press_ctrl_c),
        pytest.param("gan", 5, kill, marks=pytest.mark.slow),
        pytest.param("gan", 3, press_ctrl_c, marks=pytest.mark.slow),
    ],
)
def test_resumed_run_equals_an_uninterrupted_one(
    phase: str,
    step: int,
    stop: Callable[[], None],
    train_inputs: TrainInputs,
    whole_runs: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    """Killed runs go on after the last saved step, Ctrl-C ones after the one that was running; same bytes."""
    config, whole = TrainConfig(**SETTINGS[phase]), whole_runs(phase)
    with pytest.raises((Killed, KeyboardInterrupt)):
        train(train_inputs, tmp_path / "cut", config, progress=at_step(step, stop))
    seen: list[int] = []
    resumed = train(
        train_inputs,
        tmp_path / "cut",
        config,
        progress=lambda e: seen.append(e.done) if e.task == "train" else None,
    )
    assert seen[0] == (step + 1 if stop is press_ctrl_c else step // 2 * 2 + 1)
    assert (whole / "generator.safetensors").read_bytes() == resumed.read_bytes()
    expected, state = (read_state(run / "state.pt") for run in (whole, tmp_path / "cut"))
    assert expected.keys() == state.keys()
    assert all(torch.equal(expected[name], state[name]) for name in expected)
    steps = [row["step"] for row in rows_of(tmp_path / "cut")]
    assert steps == sorted({2, 4, 6} | ({step} if stop is press_ctrl_c else set()))


@pytest.mark.parametrize("settings", [pytest.param(L1, id="l1"), pytest.param(GAN, id="gan", marks=pytest.mark.slow)])
def test_broken_numbers_stop_the_run_and_keep_the_last_good_checkpoint(
    settings: dict[str, Any], train_inputs: TrainInputs, tmp_path: Path
) -> None:
    rate = "gan_learning_rate" if settings is GAN else "learning_rate"
    config = TrainConfig(**{**settings, rate: 1e30, "validate_every": 1})
    with pytest.raises(EdgesrError, match="not finite"):
        train(train_inputs, tmp_path / "run", config)
    generator = load_checkpoint(tmp_path / "run" / "generator.safetensors")
    assert all(p.isfinite().all() for p in generator.parameters())
    state = read_state(tmp_path / "run" / "state.pt")
    assert all(v.isfinite().all() for v in state.values() if v.is_floating_point())


@pytest.mark.parametrize(
    ("step", "good_writes"),
    [(3, 0), (5, 3), *(pytest.param(*place, marks=pytest.mark.slow) for place in ((3, 1), (3, 2), (3, 3), (5, 1)))],
)
def test_full_disk_loses_nothing(
    step: int,
    good_writes: int,
    train_inputs: TrainInputs,
    whole_runs: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever of a save's four files no longer fits: the run goes on from its last state to the same end."""
    run, left = tmp_path / "run", iter(range(good_writes))

    def fail(_handle: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    fill_up = at_step(step, lambda: monkeypatch.setattr("edgesr.runtimes.files.os.fsync", fail))
    with pytest.raises(InputError, match="cannot be written: No space left"):
        train(train_inputs, run, TrainConfig(**L1), progress=fill_up)
    assert int(read_state(run / "state.pt")["step"]) == step - 1
    assert not [p.name for p in run.iterdir() if p.name.startswith(".")], "nothing half-written is left"
    monkeypatch.undo()
    train(train_inputs, run, TrainConfig(**L1))
    assert [row["step"] for row in rows_of(run)] == [2, 4, 6]
    for name in ("generator.safetensors", "generator-l1.safetensors"):
        assert (run / name).read_bytes() == (whole_runs("l1") / name).read_bytes()


def test_state_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    from edgesr.sr_model.generators.config import preset
    from edgesr.sr_model.generators.generator import Generator

    config = TrainConfig(**L1)
    state = TrainState(Generator(preset(config.preset)), config, torch.device("cpu"))
    state.require_finite(tmp_path / "state.pt")
    next(iter(state.generator.parameters())).data[0] = torch.nan
    with pytest.raises(EdgesrError, match=r"state\.pt keeps the last good state"):
        state.require_finite(tmp_path / "state.pt")


def test_other_inputs_are_refused(train_inputs: TrainInputs, tmp_path: Path) -> None:
    """A resumed run must see the same photographs and initial weights, and never its own pictures."""
    config = TrainConfig(**{**L1, "steps": 2})
    with pytest.raises(InputError, match="lies inside"):
        train(train_inputs, train_inputs.photographs / "run", config)
    train(train_inputs, tmp_path / "run", config)
    start = TrainInputs(photographs=train_inputs.photographs, checkpoint=embedded_checkpoint("srrescycgan-mobile"))
    with pytest.raises(InputError, match="other settings or inputs"):
        train(start, tmp_path / "run", config)
    Image.new("RGB", (64, 64)).save(train_inputs.photographs / "new.png")
    with pytest.raises(InputError, match="other settings or inputs"):
        train(train_inputs, tmp_path / "run", config)


def test_other_settings_and_other_folders_are_refused(train_inputs: TrainInputs, tmp_path: Path) -> None:
    config = TrainConfig(**{**L1, "steps": 2})
    train(train_inputs, tmp_path / "run", config)
    with pytest.raises(InputError, match="other settings"):
        train(train_inputs, tmp_path / "run", TrainConfig(**L1))
    with pytest.raises(InputError, match="no training run"):
        train(train_inputs, train_inputs.photographs.parent, config)
    with pytest.raises(InputError, match="no such folder"):
        train(TrainInputs(photographs=tmp_path / "absent"), tmp_path / "new", config)
    with pytest.raises(InputError, match=r"none of its 2 images can be used.*4000 x 4000"):
        train(train_inputs, tmp_path / "new2", TrainConfig(**{**L1, "patch_size": 1000}))
    with pytest.raises(InputError, match="GPU"):
        train(train_inputs, tmp_path / "new3", config, device="cuda")
    other = TrainInputs(
        photographs=train_inputs.photographs, checkpoint=embedded_checkpoint("srrescycgan", weights="real")
    )
    with pytest.raises(InputError, match="holds a 'srrescycgan'"):
        train(other, tmp_path / "new4", config)


def test_state_of_another_network_is_refused(train_inputs: TrainInputs, tmp_path: Path) -> None:
    config = TrainConfig(**{**L1, "steps": 4})
    train(train_inputs, tmp_path / "run", config)
    torch.save({"step": torch.tensor(2), "generator.body.head.weight": torch.zeros(3)}, tmp_path / "run" / "state.pt")
    with pytest.raises(InputError, match=r"state\.pt: no state of this run, or damaged"):
        train(train_inputs, tmp_path / "run", config)

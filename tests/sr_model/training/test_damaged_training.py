"""A run folder that was damaged, or comes from another run, is refused in one line before an update is done."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.run.folder import RunFolder
from edgesr.sr_model.training.run.inputs import TrainInputs
from edgesr.sr_model.training.run.settings import RunSettings
from edgesr.sr_model.training.run.state import TrainState
from tests.helpers.cli_refusals import RunCli, refused
from tests.helpers.training_runs import GAN, L1

Flat = dict[str, Tensor]
Damage = Callable[[Flat], object]
INPUTS = {"photographs": "0" * 64, "checkpoint": None}
STEP = 4
SMALL = dataclasses.replace(preset("srrescycgan-mobile"), width=4, blocks=1)


@pytest.fixture(autouse=True)
def small_adversary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgesr.sr_model.training.cyclic_gan.discriminators._HR_WIDTHS", (2, 2, 2, 2, 2))
    monkeypatch.setattr("edgesr.sr_model.training.cyclic_gan.discriminators._LR_WIDTHS", (2, 2, 2))
    monkeypatch.setattr("edgesr.sr_model.training.cyclic_gan.degrader.BLOCKS", 1)
    monkeypatch.setattr("edgesr.sr_model.training.cyclic_gan.degrader.WIDTH", 4)


def settings_of(values: dict[str, Any]) -> RunSettings:
    return RunSettings(TrainConfig(**values), INPUTS)


def new_state(values: dict[str, Any]) -> TrainState:
    return TrainState(Generator(SMALL), TrainConfig(**values), torch.device("cpu"))


def saved_state(folder: Path, values: dict[str, Any], step: int = STEP) -> Path:
    """The state of a run after some updates, their gradients all 1e-3."""
    state = new_state(values)
    for done in range(step):
        optimizers = [state.optimizer]
        if done >= state.config.steps:
            adversary = state.begin_gan_phase()
            optimizers = [adversary.generators_optimizer, adversary.discriminators_optimizer]
        for optimizer in optimizers:
            for parameter in (p for group in optimizer.param_groups for p in group["params"]):
                parameter.grad = torch.full_like(parameter, 1e-3)
            optimizer.step()
        state.finish_update()
    state.save(folder / "state.pt", settings_of(values))
    return folder / "state.pt"


def refusal(path: Path, values: dict[str, Any]) -> str:
    """The one line that refuses a state; nothing of it reaches the networks or the optimizer."""
    state = new_state(values)
    before = {name: value.clone() for name, value in state.generator.state_dict().items()}
    with pytest.raises(InputError) as caught:
        state.restore(path, settings_of(values))
    assert all(torch.equal(value, before[name]) for name, value in state.generator.state_dict().items())
    assert not state.optimizer.state
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and len(message.splitlines()) == 1
    assert message.endswith("delete it, and the run starts anew, or give another output folder")
    return message


def put(name: str, value: Tensor) -> Damage:
    return lambda flat: flat.update({name: value})


def filled(name: str, value: float) -> Damage:
    return lambda flat: flat[name].fill_(value)


def converted(name: str, dtype: torch.dtype) -> Damage:
    return lambda flat: flat.update({name: flat[name].to(dtype)})


def without(start: str) -> Damage:
    return lambda flat: [flat.pop(name) for name in list(flat) if name.startswith(start)]


MOMENT, WEIGHT = "optimizer.0.exp_avg", "generator.body.head.weight"
DAMAGES: dict[str, tuple[dict[str, Any], Damage, str]] = {
    "step-missing": (L1, without("step"), "it lacks step"),
    "step-negative": (L1, put("step", torch.tensor(-1)), "step is -1: need 1 to 6"),
    "step-zero": (L1, put("step", torch.tensor(0)), "step is 0: need 1 to 6"),
    "step-huge": (L1, put("step", torch.tensor(2**62)), f"step is {2**62}: need 1 to 6"),
    "step-float": (L1, put("step", torch.tensor(4.0)), "step is of torch.float32 instead of torch.int64"),
    "step-list": (L1, put("step", torch.tensor([4])), "step has the shape (1,) instead of ()"),
    "step-other": (L1, put("step", torch.tensor(3)), "is 4 instead of 3"),
    "step-of-the-next-phase": (GAN, put("step", torch.tensor(2)), "it holds degrader.body.0.bias"),
    "weight-missing": (L1, without(WEIGHT), f"it lacks {WEIGHT}"),
    "weight-shape": (L1, put(WEIGHT, torch.zeros(3)), f"{WEIGHT} has the shape (3,) instead of (4, 3, 5, 5)"),
    "weight-double": (L1, converted(WEIGHT, torch.float64), f"{WEIGHT} is of torch.float64 instead of torch.float32"),
    "average-missing": (L1, without("average."), "it lacks average.n_averaged, average.module.body.head.weight"),
    "average-count": (L1, filled("average.n_averaged", 9), "average.n_averaged is 9 instead of 4"),
    "surplus": (L1, put("extra\n", torch.zeros(1)), r"it holds 'extra\n', which this run does not have"),
    "moments-missing": (L1, without("optimizer."), "it lacks optimizer.0.step, optimizer.0.exp_avg"),
    "moments-of-one-missing": (L1, without("optimizer.3."), "it lacks optimizer.3.step"),
    "moments-of-no-parameter": (L1, put("optimizer.99.step", torch.tensor(4.0)), "it holds optimizer.99.step"),
    "moment-unnamed": (L1, put("optimizer.x", torch.zeros(1)), "it holds optimizer.x"),
    "moment-shape": (L1, put(MOMENT, torch.zeros(2)), f"{MOMENT} has the shape (2,) instead of (4, 3, 5, 5)"),
    "moment-integer": (L1, converted(MOMENT, torch.int64), f"{MOMENT} is of torch.int64 instead of torch.float32"),
    "moment-negative": (L1, filled("optimizer.0.exp_avg_sq", -1.0), "optimizer.0.exp_avg_sq has values below 0"),
    "updates-of-adam": (L1, filled("optimizer.0.step", 9.0), "optimizer.0.step is 9 instead of 4"),
    "updates-of-adam-gan": (
        GAN,
        filled("generators_optimizer.0.step", 4.0),
        "generators_optimizer.0.step is 4 instead of 2",
    ),
    "discriminator-missing": (GAN, without("hr_discriminator."), "it lacks hr_discriminator.features.0.weight"),
    "adversary-missing": (GAN, without("degrader."), "it lacks degrader.body.0.weight"),
    "variance-negative": (
        GAN,
        filled("hr_discriminator.features.3.running_var", -1.0),
        "hr_discriminator.features.3.running_var has values below 0",
    ),
    "settings-no-bytes": (L1, put("settings", torch.tensor([300], dtype=torch.int16)), "settings are no bytes"),
    "settings-no-json": (L1, put("settings", torch.tensor([123], dtype=torch.int16)), "settings: is not JSON"),
    "settings-no-settings": (
        L1,
        put("settings", torch.tensor([123, 125], dtype=torch.int16)),
        "settings: top level: missing inputs, settings",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_state_is_refused_whole(name: str, tmp_path: Path) -> None:
    values, damage, why = DAMAGES[name]
    path = saved_state(tmp_path, values)
    flat: Flat = torch.load(path)
    damage(flat)
    torch.save(flat, path)
    assert why in refusal(path, values)


@pytest.mark.parametrize(("step", "values"), [(4, L1), (2, GAN), (4, GAN)])
def test_what_training_wrote_is_restored(step: int, values: dict[str, Any], tmp_path: Path) -> None:
    path = saved_state(tmp_path, values, step)
    state = new_state(values)
    state.restore(path, settings_of(values))
    state.save(tmp_path / "again.pt", settings_of(values))
    first, second = torch.load(path), torch.load(tmp_path / "again.pt")
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_state_of_the_last_release_has_no_settings(tmp_path: Path) -> None:
    path = saved_state(tmp_path, L1)
    flat: Flat = torch.load(path)
    del flat["settings"]
    torch.save(flat, path)
    state = new_state(L1)
    state.restore(path, settings_of(L1))
    assert (state.step, len(state.optimizer.state)) == (STEP, len(list(state.generator.parameters())))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({**L1, "seed": 1}, "it is of a run with other settings: seed 1 instead of 0;"),
        (
            {**L1, "learning_rate": 2e-3, "ema_decay": 0.5},
            "learning_rate 0.002 instead of 0.001, ema_decay 0.5 instead",
        ),
        ({**L1, "steps": 8}, "steps 8 instead of 6;"),
        ({**L1, "preset": "srrescycgan"}, "preset srrescycgan instead of srrescycgan-mobile;"),
    ],
)
def test_a_state_of_another_run_is_refused(values: dict[str, Any], why: str, tmp_path: Path) -> None:
    assert why in refusal(saved_state(tmp_path, values, step=1), L1)


def test_a_state_of_other_inputs_is_refused(tmp_path: Path) -> None:
    path = saved_state(tmp_path, L1)
    other = RunSettings(TrainConfig(**L1), INPUTS | {"photographs": "1" * 64})
    with pytest.raises(InputError, match=r"state\.pt: .*other settings: the input photographs is another; delete"):
        new_state(L1).restore(path, other)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


STATE_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (_cut, "not a PyTorch checkpoint, or damaged"),
    "no-zip": (lambda path: path.write_bytes(b"no zip"), "refused, its pickle holds more than weights"),
    "classes": (lambda path: torch.save({"step": Path()}, path), "refused, its pickle holds more than weights"),
    "nested": (lambda path: torch.save({"step": {}}, path), "holds no state dict"),
    "nan": (lambda path: torch.save({"step": torch.tensor(math.nan)}, path), "are NaN or infinite"),
    "bool": (lambda path: torch.save({"step": torch.tensor(True)}, path), "'step' is of torch.bool"),
}


@pytest.mark.parametrize("name", STATE_FILES)
def test_a_file_that_is_no_state_is_refused_with_what_to_do(name: str, tmp_path: Path) -> None:
    path = saved_state(tmp_path, L1, step=1)
    damage, why = STATE_FILES[name]
    damage(path)
    assert why in refusal(path, L1)


def test_the_command_refuses_a_damaged_run(run_cli: RunCli, train_inputs: TrainInputs, tmp_path: Path) -> None:
    """Exit code 2, one line, no update: the folder stays as it is."""
    folder, settings = RunFolder(tmp_path / "run"), RunSettings.of(TrainConfig(**L1), train_inputs)
    folder.create(settings)
    saved_state(folder.root, L1)
    options = [part for name, value in L1.items() for part in (f"--{name.replace('_', '-')}", value)]
    command = ("train", train_inputs.photographs, "--output", folder.root, *options)
    refused(run_cli, tmp_path, *command, naming="state.pt: no state of this run, or damaged: it is of a run with other")
    folder.state.unlink()
    folder.state.mkdir()
    refused(run_cli, tmp_path, *command, naming="state.pt: not a file")
    folder.state.rmdir()
    (folder.root / "metrics.jsonl").write_bytes(b"\xff\n")
    refused(run_cli, tmp_path, *command, naming="metrics.jsonl: damaged: line 1 is not UTF-8")
    (folder.root / "train.json").write_bytes(b"\xff")
    refused(run_cli, tmp_path, *command, naming="train.json: is not UTF-8")

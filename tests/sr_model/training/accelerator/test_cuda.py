"""Training on a GPU: by the same code, with updates that are replayed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from edgesr.sr_model.generators.published import read_state
from edgesr.sr_model.training.conduct import Conduct
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.run.inputs import TrainInputs
from edgesr.sr_model.training.train import run_training
from tests.helpers.training_runs import GAN, L1, rows_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: torch.cuda.is_available() is False")
SETTINGS = {**L1, "preset": "mobile-s", "steps": 30, "validate_every": 15, "patch_size": 16}


def conduct(*, recorded: bool = True, repeatable: bool = False) -> Conduct:
    return Conduct(device="cuda", curves=False, recorded=recorded, repeatable=repeatable)


@pytest.mark.parametrize("degradation", ["clean", "mix", "real"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_replayed_updates_are_the_updates(
    train_inputs: TrainInputs, tmp_path: Path, degradation: str, precision: str
) -> None:
    config = TrainConfig(**{**SETTINGS, "degradation": degradation, "precision": precision})
    for name, recorded in (("replayed", True), ("one by one", False)):
        assert run_training(train_inputs, tmp_path / name, config, conduct(recorded=recorded))
    one, other = (read_state(tmp_path / name / "state.pt") for name in ("replayed", "one by one"))
    for name in (name for name in one if name.startswith("generator.")):
        assert torch.allclose(one[name], other[name], atol=1e-4), name
    assert rows_of(tmp_path / "replayed")[-1]["l1"] == pytest.approx(
        rows_of(tmp_path / "one by one")[-1]["l1"], rel=1e-2
    )


def test_resumed_run_is_the_same(train_inputs: TrainInputs, tmp_path: Path) -> None:
    """To the bit, with updates that are recorded anew in the middle."""
    from edgesr.sr_model.training.prepared.check import _Cut, _cutting

    config = TrainConfig(**SETTINGS)
    run_training(train_inputs, tmp_path / "whole", config, conduct(repeatable=True))
    with pytest.raises(_Cut):
        cut = dataclasses.replace(conduct(repeatable=True), progress=_cutting(16))
        run_training(train_inputs, tmp_path / "cut", config, cut)
    run_training(train_inputs, tmp_path / "cut", config, conduct(repeatable=True))
    whole, resumed = (read_state(tmp_path / name / "state.pt") for name in ("whole", "cut"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_gan_phase(train_inputs: TrainInputs, tmp_path: Path) -> None:
    config = TrainConfig(**{**GAN, "preset": "mobile-s", "precision": "bf16"})
    assert run_training(train_inputs, tmp_path / "run", config, conduct())
    assert rows_of(tmp_path / "run")[-1]["step"] == config.total_limit

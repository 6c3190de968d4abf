"""`edgesr train` refuses what cannot be trained: one line on stderr, exit code 2, nothing written."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from edgesr.export.calibration.photographs import photograph_files
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint
from edgesr.sr_model.training import phases
from edgesr.sr_model.training.cyclic_gan.steps import Losses
from edgesr.sr_model.training.patches.batches import Batch
from edgesr.sr_model.training.processes import Processes
from edgesr.sr_model.training.run.state import TrainState

RunCli = Callable[..., tuple[int, str, str]]
MOBILE = ("--preset", "srrescycgan-mobile")


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    Image.open(photograph_files()[0]).convert("RGB").save(folder / "a.png")
    return folder


def files_below(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


def assert_refused(run_cli: RunCli, folder: Path, naming: str, *arguments: object) -> None:
    before = files_below(folder)
    code, out, err = run_cli("train", *arguments, "--output", folder / "run")
    assert (code, out) == (2, ""), err
    assert err.startswith("edgesr: ")
    assert len(err.splitlines()) == 1
    assert naming in err
    assert files_below(folder) == before


@pytest.mark.parametrize(
    ("options", "naming"),
    [
        (("--preset", "srrescycgan-desktop"), "unknown preset 'srrescycgan-desktop'"),
        ((*MOBILE, "--steps", "0"), "nothing to train"),
        ((*MOBILE, "--degradation", "rain:3"), "rain:3"),
        ((*MOBILE, "--loss-weights", "l3=1"), "unknown 'l3'"),
        ((*MOBILE, "--device", "cuda"), "no GPU"),
        ((*MOBILE, "--device", "abacus"), "abacus"),
        ((*MOBILE, "--gan-steps", "1", "--patch-size", "9"), "multiple of 32"),
        ((*MOBILE, "--gan-steps", "1", "--patch-size", "8", "--batch-size", "1"), "batch norm"),
        ((*MOBILE, "--patch-size", "500"), "2000 x 2000"),
        ((*MOBILE, "--checkpoint", "absent.safetensors"), "absent.safetensors: no such file"),
        ((*MOBILE, "--checkpoint", embedded_checkpoint("srrescycgan")), "'srrescycgan' with other settings"),
        ((*MOBILE, "--gan-steps", "1", "--perceptual-weights", "absent.pth"), "absent.pth: no such file"),
        ((*MOBILE, "--gan-steps", "1", "--unpaired", "absent"), "absent: no such folder"),
    ],
)
def test_option_is_refused(
    options: tuple[object, ...], naming: str, run_cli: RunCli, photographs: Path, tmp_path: Path
) -> None:
    assert_refused(run_cli, tmp_path, naming, photographs, *options)


def test_folder_without_photographs_is_refused(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(run_cli, tmp_path, "none of its 0 images", tmp_path / "empty", *MOBILE)
    (tmp_path / "empty" / "broken.png").write_bytes(b"\x89PNG")
    Image.new("RGB", (20, 20)).save(tmp_path / "empty" / "tiny.png")
    assert_refused(run_cli, tmp_path, "none of its 2 images can be used", tmp_path / "empty", *MOBILE)


def test_validation_without_images_is_refused(run_cli: RunCli, photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    options = (*MOBILE, "--validation", tmp_path / "empty")
    assert_refused(run_cli, tmp_path, "no image in it", photographs, *options)


@pytest.mark.parametrize(
    ("state", "naming"),
    [
        ({"features.0.weight": torch.zeros(64, 3, 3, 3)}, "its 0 convolutions"),
        ({"features.conv0.weight": torch.zeros(64, 3, 7, 7)}, "its 0 convolutions"),
        ({"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(64)}, "its 1 convolutions"),
    ],
)
def test_perceptual_weights_of_another_network_are_refused(
    state: dict[str, torch.Tensor], naming: str, run_cli: RunCli, photographs: Path, tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "vgg.pth")
    options = (*MOBILE, "--gan-steps", "1", "--perceptual-weights", tmp_path / "vgg.pth")
    assert_refused(run_cli, tmp_path, naming, photographs, *options)


def test_trained_generator_is_named_at_the_end(run_cli: RunCli, photographs: Path, tmp_path: Path) -> None:
    settings = ("--steps", "1", "--batch-size", "1", "--patch-size", "8", "--device", "cpu")
    code, out, err = run_cli("train", photographs, *MOBILE, "--output", tmp_path / "run", *settings)
    assert (code, err) == (0, "")
    named, _, speed = " ".join(out.split()).partition(", ")
    assert named == f"{tmp_path / 'run' / 'generator.safetensors'}: trained for 1 step"
    assert re.fullmatch(r"\d[\d,]* LR pixels a second, \d+% of the measured peak", speed)


def test_ctrl_c_saves_and_says_how_to_go_on(
    run_cli: RunCli, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = phases.l1_update

    def interrupted_update(state: TrainState, processes: Processes, *, recorded: bool) -> phases.Update:
        update = original(state, processes, recorded=recorded)

        def press_then_update(batch: Batch, share: float) -> Losses:
            os.kill(os.getpid(), signal.SIGINT)
            return update(batch, share)

        return press_then_update

    monkeypatch.setattr("edgesr.sr_model.training.train.l1_update", interrupted_update)
    settings = ("--steps", "2", "--batch-size", "1", "--patch-size", "8", "--device", "cpu")
    arguments = ("train", photographs, *MOBILE, "--output", tmp_path / "run", *settings)
    code, out, err = run_cli(*arguments)
    assert (code, out) == (130, "")
    assert err.splitlines() == [
        f"edgesr: step 1 is saved in {tmp_path / 'run'}; the same command continues the run",
        "edgesr: interrupted",
    ]
    monkeypatch.undo()
    code, out, _ = run_cli(*arguments)
    assert code == 0
    assert ": trained for 2 steps, " in out


def test_skipped_photographs_are_told_on_stderr(run_cli: RunCli, photographs: Path, tmp_path: Path) -> None:
    (photographs / "broken.png").write_bytes(b"no image")
    settings = ("--steps", "1", "--batch-size", "1", "--patch-size", "8", "--device", "cpu")
    code, _, err = run_cli("train", photographs, *MOBILE, "--output", tmp_path / "run", *settings)
    assert code == 0
    assert err == "edgesr: skipped 1 image, broken or too small: broken.png\n"

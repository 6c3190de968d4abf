"""Two processes with gloo: the same first steps as one, and means over the whole batch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from PIL import Image
from torch.multiprocessing.spawn import spawn

from edgesr.export.calibration.photographs import photograph_files
from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.checkpoint import load_checkpoint
from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.generators.published import read_state
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.cyclic_gan.losses import relativistic_loss
from edgesr.sr_model.training.patches.batches import Batch
from edgesr.sr_model.training.phases import gan_update
from edgesr.sr_model.training.processes import Processes, joined_processes
from edgesr.sr_model.training.run.state import TrainState

REAL = torch.tensor([[0.5], [2.0], [-1.0], [0.25]])
FAKE = torch.tensor([[0.1], [-0.7], [0.3], [1.5]])


def options(folder: Path, output: Path, *more: str) -> list[str]:
    settings = ("--batch-size", "4", "--patch-size", "8", "--validate-every", "1", "--device", "cpu")
    return ["train", str(folder), "--preset", "srrescycgan-mobile", "--output", str(output), *settings, *more]


def run(count: int, arguments: list[str]) -> None:
    launcher = ["-m", "torch.distributed.run", f"--nproc-per-node={count}", "--standalone"] if count > 1 else []
    command = [sys.executable, *launcher, "-m", "edgesr", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for file in photograph_files()[:2]:
        Image.open(file).convert("RGB").save(folder / file.name)
    return folder


@pytest.mark.slow
def test_two_processes_take_the_same_first_l1_steps_as_one(photographs: Path, tmp_path: Path) -> None:
    """Gradients are averaged over a global batch that is the same: losses agree, and parameters to rounding."""
    for count in (1, 2):
        run(count, options(photographs, tmp_path / str(count), "--steps", "3", "--ema-decay", "0"))
    one, two = (load_checkpoint(tmp_path / str(count) / "generator.safetensors") for count in (1, 2))
    start = load_checkpoint_start()
    for name, tensor in one.state_dict().items():
        moved = (tensor - start[name]).abs().mean().item()
        assert moved > 1e-4, f"{name} was trained"
        assert (tensor - two.state_dict()[name]).abs().mean().item() < 0.01 * moved, name
    moments = [read_state(tmp_path / str(count) / "state.pt") for count in (1, 2)]
    for name in (n for n in moments[0] if n.endswith("exp_avg")):
        assert torch.allclose(moments[0][name], moments[1][name], rtol=1e-3, atol=1e-8), f"mean gradients: {name}"


def load_checkpoint_start() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return Generator(preset("srrescycgan-mobile")).state_dict()


@pytest.mark.slow
def test_gan_phase_runs_in_two_processes(photographs: Path, tmp_path: Path) -> None:
    arguments = ("--steps", "1", "--gan-steps", "2", "--perceptual-block", "1")
    run(2, options(photographs, tmp_path / "run", *arguments))
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3], "only one process writes"
    assert all(0 < row["discriminator_hr"] < 10 for row in rows[1:])


def _relativistic_gradients(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    processes = Processes(rank, 2, torch.device("cpu"))
    real, fake = (logits[2 * rank : 2 * rank + 2].clone().requires_grad_() for logits in (REAL, FAKE))
    loss = relativistic_loss(real, fake, processes.mean)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.save({"real": real.grad, "fake": fake.grad, "loss": loss.detach()}, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_relativistic_means_are_gathered_over_processes(tmp_path: Path) -> None:
    """Two processes with half of the logits each: mean loss and mean gradients are those of all logits in one."""
    spawn(_relativistic_gradients, args=(str(tmp_path),), nprocs=2)  # type: ignore[no-untyped-call]
    parts = [read_state(tmp_path / f"{rank}.pt") for rank in (0, 1)]
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    loss = relativistic_loss(real, fake, torch.mean)
    loss.backward()  # type: ignore[no-untyped-call]
    assert (parts[0]["loss"] + parts[1]["loss"]).item() / 2 == pytest.approx(loss.item(), rel=1e-6)
    for name, whole in (("real", real.grad), ("fake", fake.grad)):
        assert whole is not None
        assert torch.allclose(torch.cat([part[name] for part in parts]) / 2, whole, atol=1e-7), name
    assert not torch.allclose(parts[0]["loss"], parts[1]["loss"])


def _gan_update(rank: int, folder: str) -> None:
    """One update of the GAN phase on this process's own patches; writes all parameters."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.set_num_threads(1)
    processes = Processes(rank, 2, torch.device("cpu"))
    config = TrainConfig(preset="srrescycgan-mobile", steps=0, gan_steps=1, batch_size=4, patch_size=8)
    torch.manual_seed(0)
    state = TrainState(Generator(preset(config.preset)), config, processes.device)
    update = gan_update(state, processes, None, unpaired=False)
    torch.manual_seed(rank)
    lr = torch.rand(2, 3, 8, 8) * 255
    update(Batch(lr, torch.rand(2, 3, 32, 32) * 255, lr), 0.0)
    adversary = state.begin_gan_phase()
    networks = {"generator": state.generator, **adversary.modules()}
    torch.save(
        {f"{n}.{k}": p.detach() for n, m in networks.items() for k, p in m.named_parameters()}, f"{folder}/{rank}.pt"
    )
    dist.destroy_process_group()


@pytest.mark.slow
def test_all_networks_of_the_gan_phase_stay_equal_in_two_processes(tmp_path: Path) -> None:
    """Their patches differ, so they would part after one update without averaged gradients."""
    spawn(_gan_update, args=(str(tmp_path),), nprocs=2)  # type: ignore[no-untyped-call]
    first, second = (read_state(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert {name.split(".")[0] for name in first} == {"generator", "degrader", "lr_discriminator", "hr_discriminator"}
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    assert Processes(0, 4, torch.device("cpu")).share(16) == 4
    with pytest.raises(InputError, match="batch size 10 cannot be shared among 4"):
        Processes(0, 4, torch.device("cpu")).share(10)


def test_alone_means_are_plain_means_and_modules_stay() -> None:
    with joined_processes("cpu") as processes:
        assert processes.count == 1
        assert processes.mean(REAL).item() == pytest.approx(1.75 / 4)
        layer = torch.nn.Linear(1, 1)
        assert processes.parallel(layer) is layer

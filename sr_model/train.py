"""The training loop: L1 on crops of photographs, cosine learning rate, resumable at every validation step."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from runtimes.errors import EdgesrError, InputError
from runtimes.files import write_atomically
from runtimes.progress import Progress, ProgressEvent, silent
from sr_model.checkpoint import load_checkpoint, save_checkpoint
from sr_model.config import TrainConfig, preset
from sr_model.data import PatchDataset, load_photographs
from sr_model.evaluate import evaluate_folder, mean_quality
from sr_model.generator import Generator
from sr_model.published import read_state

GENERATOR_FILE = "generator.safetensors"
STATE_FILE = "state.pt"
METRICS_FILE = "metrics.jsonl"


@dataclass
class TrainState:
    """Everything that a resumed run needs: generator, optimizer moments and the number of updates done."""

    generator: Generator
    optimizer: torch.optim.Adam
    step: int = 0


def train(
    photographs: Path,
    output: Path,
    config: TrainConfig,
    *,
    validation: Path | None = None,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> Path:
    """Train a preset on a folder of photographs and return the path of the generator's checkpoint.

    A second call with the same output and config continues where the first one stopped; ``checkpoint`` gives initial
    weights. An interrupted run loses at most the updates since the last multiple of ``validate_every``.
    """
    scale = preset(config.preset).scale
    _prepare_output(output, config)
    state = _start(config, output, checkpoint)
    images = load_photographs(photographs, scale=scale, patch_size=config.patch_size, progress=progress)
    length = config.steps * config.batch_size
    dataset = PatchDataset(images, patch_size=config.patch_size, scale=scale, seed=config.seed, length=length)
    _run(state, dataset, config, output, validation, progress)
    return output / GENERATOR_FILE


def learning_rate_at(config: TrainConfig, step: int) -> float:
    """Cosine from ``learning_rate`` at step 0 to ``final_learning_rate`` at the last (Loshchilov and Hutter, SGDR)."""
    fraction = 0.5 * (1 + math.cos(math.pi * step / config.steps))
    return config.final_learning_rate + (config.learning_rate - config.final_learning_rate) * fraction


def update(state: TrainState, lr: Tensor, hr: Tensor, learning_rate: float) -> float:
    """One Adam update on a batch of LR and HR patches in [0,255]; returns the L1 loss on the 0..1 scale."""
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate
    loss = F.l1_loss(state.generator(lr), hr) / 255.0
    if not torch.isfinite(loss):
        raise EdgesrError(f"step {state.step}: the loss is {loss.item()}; lower the learning rate and resume")
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    state.optimizer.step()
    state.step += 1
    return loss.item()


def _run(
    state: TrainState,
    dataset: PatchDataset,
    config: TrainConfig,
    output: Path,
    validation: Path | None,
    progress: Progress,
) -> None:
    losses: list[float] = []
    started = time.monotonic()
    state.generator.train()
    for lr, hr in _batches(dataset, config, first_step=state.step):
        losses.append(update(state, lr, hr, learning_rate_at(config, state.step)))
        progress(ProgressEvent("train", state.step, config.steps, f"L1 {losses[-1]:.4f}"))
        if state.step % config.validate_every == 0 or state.step == config.steps:
            _save(state, config, output)
            _log(state, output, losses, time.monotonic() - started, validation)
            losses = []


def _batches(dataset: PatchDataset, config: TrainConfig, *, first_step: int) -> Iterator[tuple[Tensor, Tensor]]:
    rest = Subset(dataset, range(first_step * config.batch_size, len(dataset)))
    for lr, hr in DataLoader(rest, batch_size=config.batch_size):
        yield lr.to(memory_format=torch.channels_last), hr.to(memory_format=torch.channels_last)


def _start(config: TrainConfig, output: Path, checkpoint: Path | None) -> TrainState:
    torch.manual_seed(config.seed)
    generator = load_checkpoint(checkpoint) if checkpoint else Generator(preset(config.preset))
    if generator.config != preset(config.preset):
        raise InputError(f"{checkpoint}: holds a {generator.config.name!r}, not the preset {config.preset!r}")
    generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = TrainState(generator, torch.optim.Adam(generator.parameters(), lr=config.learning_rate))
    if (output / STATE_FILE).is_file():
        _restore(state, output / STATE_FILE)
    return state


def _prepare_output(output: Path, config: TrainConfig) -> None:
    """Create the output folder; one that holds another run, or something else, is refused."""
    described = output / "train.json"
    if output.exists() and (not output.is_dir() or (any(output.iterdir()) and not described.is_file())):
        raise InputError(f"{output}: exists and holds no training run; give a new or empty folder")
    wanted = json.dumps(dataclasses.asdict(config), indent=2) + "\n"
    if described.is_file() and described.read_text() != wanted:
        raise InputError(f"{output}: holds a run with other settings (see {described}); give another output folder")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{output}: cannot be created: {error.strerror}") from error
    write_atomically(described, wanted.encode())


def _save(state: TrainState, config: TrainConfig, output: Path) -> None:
    flat: dict[str, Tensor] = {"step": torch.tensor(state.step)}
    flat |= {f"generator.{k}": v for k, v in state.generator.state_dict().items()}
    for index, moments in state.optimizer.state_dict()["state"].items():
        flat |= {f"optimizer.{index}.{k}": v for k, v in moments.items()}
    buffer = io.BytesIO()
    torch.save(flat, buffer)
    write_atomically(output / STATE_FILE, buffer.getvalue())
    training = {"train_config": json.dumps(dataclasses.asdict(config), sort_keys=True), "steps_done": str(state.step)}
    save_checkpoint(output / GENERATOR_FILE, state.generator, training)


def _restore(state: TrainState, path: Path) -> None:
    flat = read_state(path)
    state.step = int(flat.pop("step"))
    weights = {k.removeprefix("generator."): v for k, v in flat.items() if k.startswith("generator.")}
    state.generator.load_state_dict(weights, strict=True)
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in flat.items():
        if name.startswith("optimizer."):
            _, index, field = name.split(".")
            moments.setdefault(int(index), {})[field] = value
    state.optimizer.load_state_dict({**state.optimizer.state_dict(), "state": moments})


def _log(state: TrainState, output: Path, losses: list[float], seconds: float, validation: Path | None) -> None:
    row: dict[str, float] = {"step": state.step, "l1": sum(losses) / len(losses), "seconds": round(seconds, 1)}
    if validation is not None:
        state.generator.eval()
        quality = mean_quality(evaluate_folder(state.generator, validation))
        state.generator.train()
        row |= {"validation_psnr_y_db": quality.psnr_y_db, "alpha": state.generator.alpha.item()}
    with (output / METRICS_FILE).open("a") as file:
        file.write(json.dumps(row) + "\n")

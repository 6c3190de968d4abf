"""The training loop: an L1 phase, then a GAN phase; resumable at every validation step and after Ctrl-C."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch

from edgesr.benchmarks.quality.image_pairs import ImageSet, read_image_set
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import Progress, ProgressEvent, notice, silent
from edgesr.runtimes.wording import counted
from edgesr.sr_model.evaluation.generator_quality import validate
from edgesr.sr_model.generators.checkpoint import load_checkpoint
from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.curves import draw_curves, sample_pictures
from edgesr.sr_model.training.cyclic_gan.vgg import VGGFeatures, load_perceptual_features
from edgesr.sr_model.training.data import PatchDataset, load_photographs, load_unpaired
from edgesr.sr_model.training.interrupt import deferred_interrupt
from edgesr.sr_model.training.loader import Batches
from edgesr.sr_model.training.phases import Update, gan_update, l1_update
from edgesr.sr_model.training.processes import Processes, joined_processes
from edgesr.sr_model.training.run.folder import RunFolder
from edgesr.sr_model.training.run.inputs import TrainInputs
from edgesr.sr_model.training.run.resources import DEFAULT_DEVICE, DEFAULT_WORKERS, require_workers
from edgesr.sr_model.training.run.settings import RunSettings
from edgesr.sr_model.training.run.state import TrainState


def train(
    inputs: TrainInputs,
    output: Path,
    config: TrainConfig,
    *,
    device: str = DEFAULT_DEVICE,
    workers: int = DEFAULT_WORKERS,
    progress: Progress = silent,
) -> Path:
    """Train a preset and return the path of the generator's checkpoint. ``device``: auto, cpu or cuda; ``workers``:
    processes that prepare patches, 0 for none.

    A second call with the same output and config continues where the first one stopped, and gives the same weights as
    one run (the same bytes on the CPU in one process). An interrupted run (Ctrl-C) saves after the update that is
    running; a killed one loses at most the updates since the last multiple of ``validate_every``. Under torchrun every
    process calls this; the first one writes.
    """
    require_workers(workers)
    with joined_processes(device) as processes:
        _train(inputs, RunFolder(output), config, processes, workers, progress if processes.rank == 0 else silent)
    return RunFolder(output).generator


def _train(
    inputs: TrainInputs, folder: RunFolder, config: TrainConfig, processes: Processes, workers: int, progress: Progress
) -> None:
    inputs.check(folder.root)
    settings = RunSettings.of(config, inputs)
    folder.check(settings)
    validation = _validation(inputs, config)
    state = _start(settings, folder, inputs, processes)
    features = _perceptual_features(inputs, config, processes, progress)
    batches = Batches(_dataset(inputs, config, progress), processes, config.batch_size, workers)
    processes.meet()
    if processes.rank == 0:
        folder.create(settings)
    run = _Run(state, settings, folder, processes, batches, validation, progress)
    with deferred_interrupt() as interrupted:
        for first, last, update in _phases(state, batches, processes, features):
            for batch in batches.between(first, last):
                run.record(update(batch))
                if processes.any(interrupted()):
                    run.save()
                    notice(progress, f"step {state.step} is saved in {folder.root}; the same command continues the run")
                    raise KeyboardInterrupt


@dataclass
class _Run:
    """Progress, checkpoints, validation and metrics of a loop; only process 0 writes."""

    state: TrainState
    settings: RunSettings
    folder: RunFolder
    processes: Processes
    batches: Batches
    validation: ImageSet | None
    progress: Progress
    losses: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    started: float = field(default_factory=time.monotonic)
    validated: str = ""

    def record(self, losses: dict[str, float]) -> None:
        """Note an update that was done; save where it is due."""
        config, step = self.state.config, self.state.step
        for name, value in losses.items():
            self.losses[name].append(value)
        shown = ", ".join(f"{name} {value:.4f}" for name, value in losses.items() if name in ("l1", "adversarial"))
        self.progress(ProgressEvent("train", step, config.total_steps, f"{shown}{self.validated}"))
        if step % config.validate_every == 0 or step in (config.steps, config.total_steps):
            self.save()

    def save(self) -> None:
        """State last: a run that is cut off before it redoes the steps, and with them the other files."""
        if self.processes.rank > 0 or not self.losses:
            return
        state, folder, config = self.state, self.folder, self.state.config
        state.require_finite(folder.state)
        generator = state.averaged_generator
        folder.save_generator(folder.generator, generator, config, state.step)
        if state.step == config.steps:
            folder.save_generator(folder.l1_generator, generator, config, state.step)
        rows = folder.add_metrics(self._row(generator))
        pictures = sample_pictures(generator, self.validation, config.degradation) if self.validation else []
        draw_curves(folder.curves, rows, l1_steps=config.steps, pictures=pictures)
        state.save(folder.state, self.settings)

    def _row(self, generator: Generator) -> dict[str, float]:
        seconds = time.monotonic() - self.started
        row = {"step": self.state.step, "seconds": round(seconds, 1)}
        row |= {name: sum(values) / len(values) for name, values in self.losses.items()}
        row["data_wait_share"] = round(self.batches.waited / seconds, 4)
        self.losses.clear()
        if self.validation is not None:
            quality = validate(generator, self.validation, self.state.config.degradation)
            row |= {"psnr_y_db": quality.psnr_y_db, "psnr_rgb_db": quality.psnr_rgb_db, "ssim": quality.ssim}
            self.validated = f", validation {quality.psnr_y_db:.2f} dB Y"
        self.batches.waited, self.started = 0.0, time.monotonic()
        return row


def _phases(
    state: TrainState, batches: Batches, processes: Processes, features: VGGFeatures | None
) -> Iterator[tuple[int, int, Update]]:
    """First and last step of what is left of each phase, and its update."""
    config = state.config
    if state.step < config.steps:
        yield state.step, config.steps, l1_update(state, processes)
    if state.step < config.total_steps:
        unpaired = bool(batches.dataset.unpaired)
        yield state.step, config.total_steps, gan_update(state, processes, features, unpaired=unpaired)


def _start(settings: RunSettings, folder: RunFolder, inputs: TrainInputs, processes: Processes) -> TrainState:
    config = settings.settings
    config.require_statistics(processes.share(config.batch_size))
    torch.manual_seed(config.seed)
    generator = load_checkpoint(inputs.checkpoint) if inputs.checkpoint else Generator(preset(config.preset))
    if generator.config != preset(config.preset):
        raise InputError(
            f"{inputs.checkpoint}: holds a {generator.config.name!r} with other settings than preset {config.preset!r}"
        )
    state = TrainState(generator.train(), config, processes.device)
    if folder.state.is_file():
        state.restore(folder.state, settings)
    if not processes.agree(state.step):
        raise InputError(f"{folder.root}: not every process sees the same run there; give a folder that all share")
    return state


def _validation(inputs: TrainInputs, config: TrainConfig) -> ImageSet | None:
    if inputs.validation is None:
        return None
    images = read_image_set(inputs.validation)
    for pair in images.pairs:
        pair.size(preset(config.preset).scale)
    return images


def _perceptual_features(
    inputs: TrainInputs, config: TrainConfig, processes: Processes, progress: Progress
) -> VGGFeatures | None:
    if not config.gan_steps:
        return None
    features = load_perceptual_features(inputs.perceptual_weights, config.perceptual_block)
    if features is None:
        notice(progress, "no VGG weights given and stlpips-pytorch is not installed: training without perceptual loss")
        return None
    return features.to(processes.device)


def _dataset(inputs: TrainInputs, config: TrainConfig, progress: Progress) -> PatchDataset:
    scale = preset(config.preset).scale
    images, skipped = load_photographs(
        inputs.photographs,
        scale=scale,
        patch_size=config.patch_size,
        reductions=config.reductions,
        progress=progress,
    )
    unpaired: list[Pixels] = []
    if inputs.unpaired is not None and config.gan_steps:
        unpaired, more = load_unpaired(inputs.unpaired, patch_size=config.patch_size, progress=progress)
        skipped = skipped + more
    if skipped:
        notice(progress, f"skipped {counted(len(skipped), 'image')}, broken or too small: {', '.join(skipped[:5])}")
    return PatchDataset(
        images,
        unpaired,
        degradation=config.degradation,
        patch_size=config.patch_size,
        scale=scale,
        seed=config.seed,
        length=config.total_steps * config.batch_size,
    )

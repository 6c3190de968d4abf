"""The training of a preset: an L1 phase, then a GAN phase; resumable at every validation step and after Ctrl-C."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import torch

from edgesr.benchmarks.quality.image_pairs import ImageSet, read_image_set
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import Progress, notice, silent
from edgesr.runtimes.wording import counted
from edgesr.sr_model.generators.checkpoint import load_checkpoint
from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.conduct import Conduct
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.cuda_graph import repeatable_convolutions
from edgesr.sr_model.training.cyclic_gan.vgg import VGGFeatures, load_perceptual_features
from edgesr.sr_model.training.interrupt import deferred_interrupt
from edgesr.sr_model.training.loop import GAN, L1, Loop, Phase
from edgesr.sr_model.training.patches.batches import Batches
from edgesr.sr_model.training.patches.photographs import PhotographReader, load_unpaired
from edgesr.sr_model.training.patches.teaching import Upscale, load_teachers, taught
from edgesr.sr_model.training.phases import gan_update, l1_update
from edgesr.sr_model.training.processes import Processes, joined_processes
from edgesr.sr_model.training.run.folder import RunFolder
from edgesr.sr_model.training.run.inputs import TrainInputs
from edgesr.sr_model.training.run.resources import DEFAULT_DEVICE
from edgesr.sr_model.training.run.settings import RunSettings
from edgesr.sr_model.training.run.state import TrainState
from edgesr.sr_model.training.schedule import Pace, StepPace, TimePace


def train(
    inputs: TrainInputs,
    output: Path,
    config: TrainConfig,
    *,
    device: str = DEFAULT_DEVICE,
    progress: Progress = silent,
) -> Path:
    """Train a preset and return the path of the generator's checkpoint. ``device``: auto, cpu or cuda.

    A second call with the same output and config continues where the first one stopped, and gives the same weights as
    one run (the same bytes on the CPU in one process). An interrupted run (Ctrl-C) saves after the update that is
    running; a killed one loses at most the updates since the last multiple of ``validate_every``. Under torchrun every
    process calls this; the first one writes.
    """
    run_training(inputs, output, config, Conduct(device=device, progress=progress))
    return RunFolder(output).generator


def run_training(inputs: TrainInputs, output: Path, config: TrainConfig, conduct: Conduct) -> bool:
    """Train as `train` does; whether the run has ended, and was not left at its deadline."""
    folder = RunFolder(output)
    with joined_processes(conduct.device) as processes, repeatable_convolutions(wanted=conduct.repeatable):
        progress = conduct.progress if processes.rank == 0 else silent
        inputs.check(folder.root)
        settings = RunSettings.of(config, inputs)
        folder.check(settings)
        validation = _validation(inputs, config)
        state = _start(settings, folder, inputs, processes)
        features = _perceptual_features(inputs, config, processes, progress)
        teachers = load_teachers(inputs.teachers, config, processes.device)
        batches = _batches(inputs, teachers, config, processes, conduct.reader, progress)
        processes.meet()
        if processes.rank == 0:
            folder.create(settings)
        loop = Loop(
            state,
            settings,
            folder,
            processes=processes,
            batches=batches,
            validation=validation,
            conduct=dataclasses.replace(conduct, progress=progress),
        )
        phases = _phases(state, batches, processes, features, recorded=conduct.recorded)
        with deferred_interrupt() as interrupted:
            return all(loop.run(phase, interrupted) for phase in phases)


def _phases(
    state: TrainState, batches: Batches, processes: Processes, features: VGGFeatures | None, *, recorded: bool
) -> Iterator[Phase]:
    """The phases that are not over."""
    config = state.config
    if state.step < config.l1_limit:
        yield Phase(L1, l1_update(state, processes, recorded=recorded), _pace(state, processes, 0, config.l1_limit))
    if state.step < config.total_limit and config.gan_steps:
        update = gan_update(state, processes, features, unpaired=batches.unpaired)
        yield Phase(GAN, update, _pace(state, processes, config.l1_limit, config.total_limit))


def _pace(state: TrainState, processes: Processes, first: int, last: int) -> Pace:
    minutes = state.config.minutes
    return StepPace(first, last) if minutes is None else TimePace(minutes, state.seconds, processes)


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


def _batches(
    inputs: TrainInputs,
    teachers: list[Upscale],
    config: TrainConfig,
    processes: Processes,
    reader: PhotographReader,
    progress: Progress,
) -> Batches:
    scale = preset(config.preset).scale
    images, skipped = reader.photographs(
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
    if teachers:
        images = taught(images, teachers, share=config.teacher_share, progress=progress)
    return Batches(
        images,
        unpaired,
        processes,
        degradation=config.degradation,
        batch_size=config.batch_size,
        patch_size=config.patch_size,
        scale=scale,
        seed=config.seed,
    )

"""Pictures of teachers, in part, in the place of HR: knowledge distillation (Hinton et al., arXiv 1503.02531).

HR holds detail that no network can tell from LR, and every patch pulls the weights towards its own. The mean of the
eight flips and transpositions of a trained network's output is nearer to what can be told: with it, the gradient of
an update has less noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from edgesr.runtimes.arrays import FloatArray, Pixels
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import Progress, ProgressEvent, silent
from edgesr.runtimes.upscaling.self_ensemble import ALL_EIGHT
from edgesr.sr_model.evaluation.generator_quality import generator_pixels
from edgesr.sr_model.generators.checkpoint import load_checkpoint
from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.patches.photographs import Photograph

Upscale = Callable[[Pixels], Pixels]
"""LR (h,w,3) -> SR (s*h,s*w,3), uint8 RGB."""


def load_teachers(files: Sequence[Path], config: TrainConfig, device: torch.device) -> list[Upscale]:
    """The generators of checkpoints, which have to have the scale of the one that is trained."""
    if files and config.gan_steps:
        raise InputError(
            f"teachers are given and gan_steps is {config.gan_steps}, but the discriminators of the GAN phase have "
            "to see real HR; leave out the teachers, or the GAN phase"
        )
    scale = preset(config.preset).scale
    teachers: list[Upscale] = []
    for file in files:
        generator = load_checkpoint(file)
        if generator.config.scale != scale:
            raise InputError(f"{file}: is a teacher for x{generator.config.scale}, preset {config.preset} is x{scale}")
        teachers.append(generator_pixels(generator.to(device)))
    return teachers


def taught(
    photographs: Sequence[Photograph], teachers: Sequence[Upscale], *, share: float, progress: Progress = silent
) -> list[Photograph]:
    """Photographs whose target is HR, and to a ``share`` (0 to 1) the mean of the teachers' self-ensembles."""
    result: list[Photograph] = []
    for photograph in photographs:
        lesson = np.mean([_self_ensemble(upscale, photograph.lr) for upscale in teachers], axis=0)
        target = np.rint(share * lesson + (1 - share) * photograph.hr).astype(np.uint8)
        result.append(photograph._replace(taught=target))
        progress(ProgressEvent("pictures of the teachers", len(result), len(photographs)))
    return result


def _self_ensemble(upscale: Upscale, lr: Pixels) -> FloatArray:
    pictures = [member.undo(upscale(np.ascontiguousarray(member.apply(lr, 0))), 0) for member in ALL_EIGHT]
    mean: FloatArray = np.mean(pictures, axis=0, dtype=np.float32)
    return mean

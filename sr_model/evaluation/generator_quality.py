"""Quality of a generator: as a candidate of `edgesr eval`, and as the figures of a validation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from edgesr.benchmarks.quality.candidates import Candidate
from edgesr.benchmarks.quality.image_pairs import ImageSet
from edgesr.benchmarks.quality.measurement import measure_quality
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.wording import printable
from edgesr.sr_model.generators.checkpoint import load_checkpoint
from edgesr.sr_model.generators.generator import Generator


@dataclass(frozen=True, kw_only=True)
class MeanQuality:
    """Mean over a folder, as defined in `edgesr.benchmarks.quality.figures.Quality`.

    PSNR is inf where a picture equals HR.
    """

    psnr_y_db: float
    psnr_rgb_db: float
    ssim: float


def validate(generator: Generator, images: ImageSet, degradation: str) -> MeanQuality:
    """Measure a generator, in whichever mode and on whichever device, on a set of images; seed 0."""
    candidate = Candidate(name=generator.config.name, scale=generator.config.scale, upscale=generator_pixels(generator))
    mean = measure_quality([candidate], images, degradation=degradation).results[0].mean
    y, rgb = (math.inf if value is None else value for value in (mean.psnr_y_db, mean.psnr_rgb_db))
    return MeanQuality(psnr_y_db=y, psnr_rgb_db=rgb, ssim=mean.ssim)


def checkpoint_candidate(path: Path) -> Candidate:
    """The generator of a checkpoint, ours or a published .pth."""
    generator = load_checkpoint(path)
    return Candidate(
        name=printable(str(path)),
        scale=generator.config.scale,
        upscale=generator_pixels(generator),
        sha256=sha256_of(path),
    )


def generator_pixels(generator: Generator) -> Callable[[Pixels], Pixels]:
    """The generator as a function of uint8 pixels (h,w,3) -> (s*h,s*w,3), rounded.

    It runs in evaluation mode on the generator's device; the mode is put back after every image.
    """

    def upscale(lr: Pixels) -> Pixels:
        device = next(generator.parameters()).device
        tensor = torch.from_numpy(np.array(lr.transpose(2, 0, 1))).to(device).float()[None]
        training = generator.training
        generator.eval()
        try:
            with torch.inference_mode():
                residual = generator.residual(tensor)
                sr = generator.subtract(generator.upsample(tensor), residual)[0]
        finally:
            generator.train(training)
        if not (residual.isfinite().all() and sr.isfinite().all()):  # a clip hides infinities of the residual
            raise EdgesrError(f"{generator.config.name}: gives values that are not finite; its weights are broken")
        pixels: Pixels = sr.round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        return pixels

    return upscale

"""Unsharp mask of batches."""

from __future__ import annotations

from torch import Tensor

from edgesr.benchmarks.quality.image_steps import gaussian_radius
from edgesr.benchmarks.quality.photograph_draws import MAX_SHARPEN_SIGMA
from edgesr.runtimes.arrays import FloatArray
from edgesr.sr_model.training.degradations.resampling import blurred_and_resized
from edgesr.sr_model.training.degradations.rows import on_device, to_levels

_RADIUS = gaussian_radius(MAX_SHARPEN_SIGMA)


def unsharp(image: Tensor, amounts: FloatArray, sigmas: FloatArray) -> Tensor:
    """(n,3,h,w) in [0,255] -> same: x + amount * (x - blurred x), for each sample its own."""
    height, width = image.shape[2:]
    blurred = blurred_and_resized(image, sigmas, sigmas, radius=_RADIUS, height=height, width=width, kind="bilinear")
    weight = on_device(amounts[:, None, None, None], image.device)
    return to_levels(image + weight * (image - blurred))

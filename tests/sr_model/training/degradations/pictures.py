"""Batches of the shipped photographs, and what is measured on them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from edgesr.benchmarks.quality.degradations import downscale_bicubic
from edgesr.benchmarks.quality.photograph_draws import DegradationDraws
from edgesr.export.calibration.photographs import photograph_files
from edgesr.runtimes.arrays import FloatArray, Pixels
from edgesr.runtimes.images.image_io import read_rgb8
from edgesr.sr_model.training.degradations.batched import BatchDegrader, Normal
from edgesr.sr_model.training.degradations.rows import take

Degrade = Callable[[Tensor, Tensor, DegradationDraws, Normal], Tensor]

SCALE = 4


def hr_pictures(count: int, height: int = 120, width: int = 128) -> list[Pixels]:
    """Parts of the photographs, each another."""
    files = photograph_files()
    pictures = [read_rgb8(files[i % len(files)])[4 * (i // len(files)) :][:height, :width] for i in range(count)]
    assert all(picture.shape == (height, width, 3) for picture in pictures)
    return pictures


def batch(pictures: list[Pixels]) -> Tensor:
    """(n,3,h,w) float32."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().contiguous()


def hr_and_lr(pictures: list[Pixels]) -> tuple[Tensor, Tensor]:
    return batch(pictures), batch([downscale_bicubic(picture, SCALE) for picture in pictures])


def no_noise(shape: tuple[int, ...]) -> Tensor:
    return torch.zeros(shape)


def some_noise(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def difference(image: Tensor, pixels: Pixels | FloatArray) -> FloatArray:
    """(3,h,w) less (h,w,3), as (h,w,3)."""
    return image.permute(1, 2, 0).numpy() - pixels.astype(np.float32)


def degrading(degrader: BatchDegrader) -> Degrade:
    """A degrader that is given all of HR."""
    return lambda hr, lr, draws, normal: degrader(partial(take, hr), lr, draws, normal)

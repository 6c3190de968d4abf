"""Noise of batches: white, and a camera's (formula and source: `edgesr.benchmarks.quality.camera_noise`)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from edgesr.benchmarks.quality.camera_noise import CORRELATION_RADIUS, correlation_kernels
from edgesr.benchmarks.quality.photograph_draws import DegradationDraws
from edgesr.runtimes.arrays import FloatArray
from edgesr.sr_model.training.degradations.resampling import multiplied, spread
from edgesr.sr_model.training.degradations.rows import on_device, to_levels

MARGIN = 2 * CORRELATION_RADIUS
"""Rows and columns that the standard normal noise of a camera has more than its picture."""


def with_white_noise(image: Tensor, deviations: FloatArray, noise: Tensor) -> Tensor:
    """(n,3,h,w) in [0,255], (n,) in levels, standard normal (n,3,h,w) -> same as the image."""
    return to_levels(torch.addcmul(image, on_device(deviations[:, None, None, None], image.device), noise))


def with_camera_noise(image: Tensor, draws: DegradationDraws, noise: Tensor) -> Tensor:
    """(n,3,h,w) sRGB in [0,255], settings of the n samples, standard normal (n,3,h+4,w+4) -> same as the image."""
    gains = np.stack([draws.gain_red, np.ones_like(draws.gain_red), draws.gain_blue], axis=1)
    shot, read = (
        on_device((part[:, :, None, None]).astype(np.float32), image.device)
        for part in (gains * draws.shot[:, None], gains**2 * draws.read[:, None])
    )
    linear = srgb_to_linear(image / 255)
    noisy = torch.addcmul(linear, torch.addcmul(read, shot, linear).sqrt_(), _correlated(noise, draws.correlation))
    return to_levels(linear_to_srgb(noisy.clamp_(0, 1)).mul_(255))


def srgb_to_linear(value: Tensor) -> Tensor:
    """sRGB in [0,1] -> linear light in [0,1]."""
    return torch.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(value: Tensor) -> Tensor:
    """Linear light in [0,1] -> sRGB in [0,1]."""
    return torch.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)


def _correlated(noise: Tensor, sigmas: FloatArray) -> Tensor:
    kernels = on_device(correlation_kernels(sigmas), noise.device)
    rows, columns = (torch.eye(side - MARGIN, device=noise.device) for side in noise.shape[2:])
    return multiplied(noise, spread(rows, kernels), spread(columns, kernels))

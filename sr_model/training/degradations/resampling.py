"""Separable blur and antialiased resize of batches as products with matrices, those of Pillow's filters."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from edgesr.benchmarks.quality.image_steps import gaussian_kernels
from edgesr.runtimes.arrays import FloatArray
from edgesr.sr_model.training.degradations.rows import on_device

_SUPPORT = {"box": 0.5, "bilinear": 1.0, "bicubic": 2.0}


@lru_cache(maxsize=1024)
def resize_weights(length: int, target: int, kind: str, device: torch.device) -> Tensor:
    """(target, length): a resize along one axis, antialiased, half-pixel centres; equal lengths: the identity.

    Pillow's ``precompute_coeffs`` (Resample.c), its rounding to 22 bits left out.
    """
    scale = length / target
    stretch = max(scale, 1.0)
    centres = (np.arange(target)[:, None] + 0.5) * scale
    pixels = np.arange(length)[None]
    reach = _SUPPORT[kind] * stretch
    inside = (pixels >= np.floor(centres - reach + 0.5)) & (pixels < np.floor(centres + reach + 0.5))
    weights = np.where(inside, _filter(kind, (pixels - centres + 0.5) / stretch), 0)
    return on_device((weights / weights.sum(axis=1, keepdims=True)).astype(np.float32), device)


def resized(image: Tensor, height: int, width: int, kind: str) -> Tensor:
    """(n,c,h,w) -> (n,c,height,width)."""
    rows = resize_weights(image.shape[2], height, kind, image.device)
    columns = resize_weights(image.shape[3], width, kind, image.device)
    return multiplied(image, rows.expand(len(image), -1, -1), columns.expand(len(image), -1, -1))


def blurred_and_resized(
    image: Tensor, sigma_y: FloatArray, sigma_x: FloatArray, *, radius: int, height: int, width: int, kind: str
) -> Tensor:
    """(n,c,h,w) -> (n,c,height,width): Gaussian blur of a standard deviation for each sample, borders replicated, and
    resize. ``radius`` is how far all kernels reach, the same for every batch so that a sample is not changed by others.
    """
    rows = resize_weights(image.shape[2], height, kind, image.device)
    columns = resize_weights(image.shape[3], width, kind, image.device)
    blurred_rows, blurred_columns = (
        _replicated(spread(weights, on_device(gaussian_kernels(sigmas, radius), image.device)), radius)
        for weights, sigmas in ((rows, sigma_y), (columns, sigma_x))
    )
    return multiplied(image, blurred_rows, blurred_columns)


def spread(weights: Tensor, kernels: Tensor) -> Tensor:
    """(a,b) and symmetric kernels (n,2r+1) -> (n,a,b+2r): weights for b pixels, each a mean of its neighbours by a
    kernel, as weights for the pixels themselves and r more at either end.
    """
    taps = kernels.shape[1]
    windows = F.pad(weights, (taps - 1, taps - 1)).unfold(1, taps, 1)
    return (kernels @ windows.reshape(-1, taps).T).view(len(kernels), *windows.shape[:2])


def multiplied(image: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """(n,c,h,w), (n,y,h) and (n,x,w) -> (n,c,y,x): each sample's own weights of rows and columns."""
    count, channels, height, width = image.shape
    by_pixel = image.permute(0, 2, 3, 1)
    if by_pixel.is_contiguous():
        lines = torch.bmm(rows, by_pixel.reshape(count, height, width * channels))
        reduced = lines.view(count, -1, width, channels).permute(0, 3, 1, 2)
    else:
        reduced = rows[:, None] @ image
    return reduced @ columns.transpose(1, 2)[:, None]


def _replicated(weights: Tensor, radius: int) -> Tensor:
    """(n,a,b+2r) -> (n,a,b): what reaches beyond the ends is taken from the last pixels."""
    inner = weights[..., radius:-radius].contiguous()
    inner[..., 0] += weights[..., :radius].sum(-1)
    inner[..., -1] += weights[..., -radius:].sum(-1)
    return inner


def _filter(kind: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    distance = np.abs(x)
    if kind == "box":
        return np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)
    if kind == "bilinear":
        return np.where(distance < 1, 1 - distance, 0.0)
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0))

"""The float glue around a residual graph, in numpy: bilinear upsampling, noise level, projection and clip.

    u = bilinear(lr)   sigma = noise_level(u)
    k = min(1, exp(alpha)*sigma*sqrt(n-1) / ||r||)   sr = clip(u - k*r, 0, 255)

All images are float32 (3,H,W), RGB, in [0,255]. Source: SRResCGAN, arXiv 2005.00953, section 3.2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

DB7_HIGH_PASS = (
    -0.07785205408506236,
    0.39653931948230575,
    -0.7291320908465551,
    0.4697822874053586,
    0.14390600392910627,
    -0.22403618499416572,
    -0.07130921926705004,
    0.0806126091510659,
    0.03802993693503463,
    -0.01657454163101562,
    -0.012550998556013784,
    0.00042957797300470274,
    0.0018016407039998328,
    0.0003537138000010399,
)
DB7_DIFFERENCE_TAPS = tuple(math.fsum(DB7_HIGH_PASS[: i + 1]) for i in range(len(DB7_HIGH_PASS) - 1))
MAD_TO_SIGMA = 0.6745
_PAD = len(DB7_HIGH_PASS) // 2


def upsample_bilinear(image: Image, scale: int) -> Image:
    """(3,h,w) -> (3,scale*h,scale*w): half-pixel centres, edges replicated, no antialias (as torch and ONNX Resize)."""
    return _upsample_axis(_upsample_axis(image, scale, axis=1), scale, axis=2)


def _upsample_axis(image: Image, scale: int, *, axis: int) -> Image:
    size = image.shape[axis]
    position = np.maximum((np.arange(size * scale, dtype=np.float64) + 0.5) / scale - 0.5, 0.0)
    low = position.astype(np.intp)
    high = np.minimum(low + 1, size - 1)
    shape = [1, 1, 1]
    shape[axis] = -1
    weight = (position - low).astype(np.float32).reshape(shape)
    result: Image = image.take(low, axis=axis) * (1 - weight) + image.take(high, axis=axis) * weight
    return result


def noise_level(image: Image) -> float:
    """Noise level (standard deviation, same scale as the image) of the bilinear upsampled image (3,H,W)."""
    detail = np.abs(_high_pass(_high_pass(image, axis=1), axis=2)).reshape(image.shape[0], -1)
    middle = (detail.shape[1] - 1) // 2
    medians = np.partition(detail, middle, axis=1)[:, middle]
    return float((medians / np.float32(MAD_TO_SIGMA)).mean(dtype=np.float32))


def _high_pass(image: Image, *, axis: int) -> Image:
    """db7 high-pass with stride 2 along one axis, as its summed taps on first differences: flat stays exactly 0."""
    pads = [(0, 0)] * image.ndim
    pads[axis] = (_PAD, _PAD)
    rows = np.moveaxis(np.diff(np.pad(image, pads, mode="reflect"), axis=axis), axis, 0)
    count = (rows.shape[0] - len(DB7_DIFFERENCE_TAPS)) // 2 + 1
    result = np.zeros((count, *rows.shape[1:]), dtype=np.float32)
    for i, tap in enumerate(DB7_DIFFERENCE_TAPS):
        result += np.float32(tap) * rows[i : i + 2 * count - 1 : 2]
    return np.moveaxis(result, 0, axis)


def projection_factor(residual: Image, *, sigma: float, alpha: float) -> float:
    """k in [0,1] that bounds the residual's root mean square by exp(alpha)*sigma; 1 for an all-zero residual."""
    square_sum = float(np.square(residual, dtype=np.float32).sum(dtype=np.float64))
    rms = math.sqrt(square_sum / (residual.size - 1))
    bound = math.exp(alpha) * sigma
    return 1.0 if rms <= bound else bound / rms


def subtract_and_clip(upsampled: Image, residual: Image, k: float) -> Image:
    """clip(u - k*r, 0, 255), all (3,H,W) float32."""
    return np.clip(upsampled - np.float32(k) * residual, 0.0, 255.0)

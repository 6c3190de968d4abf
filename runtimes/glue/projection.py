"""The float glue around a residual graph, in numpy: bilinear upsampling, projection and clip.

    u = bilinear(lr)   sigma = noise_level(u)
    k = min(1, exp(alpha)*sigma*sqrt(n-1) / ||r||)   sr = clip(u - k*r, 0, 255)

All images are float32 (3,H,W), RGB, in [0,255]. Source: SRResCGAN, arXiv 2005.00953, section 3.2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.bundle.manifest import Glue
from edgesr.runtimes.glue.noise_level import noise_level

Image = NDArray[np.float32]

_LARGEST_ALPHA = 700.0
"""exp of more does not fit into a float64, and no residual is bounded by it."""


def upsample_bilinear(image: Image, scale: int) -> Image:
    """(c,h,w) -> (c,scale*h,scale*w): half-pixel centres, edges replicated, no antialias (as torch and ONNX Resize)."""
    return _upsample_axis(_upsample_axis(image, scale, axis=2), scale, axis=1)


def upsample_region(image: Image, scale: int, rows: slice, columns: slice) -> Image:
    """The part of `upsample_bilinear` (c,h,w) that belongs to these LR rows and columns, computed from it alone."""
    top, left = max(rows.start - 1, 0), max(columns.start - 1, 0)
    around = image[:, top : rows.stop + 1, left : columns.stop + 1]
    return upsample_bilinear(around, scale)[
        :,
        (rows.start - top) * scale : (rows.stop - top) * scale,
        (columns.start - left) * scale : (columns.stop - left) * scale,
    ]


def _upsample_axis(image: Image, scale: int, *, axis: int) -> Image:
    """One output phase after the other: each is a fixed mix of a pixel and its neighbour."""
    size = image.shape[axis]
    before = image.take(np.maximum(np.arange(size) - 1, 0), axis=axis)
    after = image.take(np.minimum(np.arange(size) + 1, size - 1), axis=axis)
    result = np.empty((*image.shape[: axis + 1], scale, *image.shape[axis + 1 :]), dtype=image.dtype)
    phases = np.moveaxis(result, axis + 1, 0)
    for phase in range(scale):
        offset = (phase + 0.5) / scale - 0.5
        np.multiply(image, np.float32(1 - abs(offset)), out=phases[phase])
        phases[phase] += np.float32(abs(offset)) * (before if offset < 0 else after)
    return result.reshape(*image.shape[:axis], size * scale, *image.shape[axis + 1 :])


def projection_factor(square_sum: float, count: int, *, sigma: float, alpha: float) -> float:
    """k in [0,1] that bounds the root mean square of a residual by exp(alpha)*sigma; 1 for an all-zero residual.

    ``square_sum`` is over its ``count`` values; nan where it or ``sigma`` is not finite, so that the image is nan too.
    """
    if not (math.isfinite(square_sum) and math.isfinite(sigma)):
        return math.nan
    rms = math.sqrt(square_sum / (count - 1))
    bound = math.exp(min(alpha, _LARGEST_ALPHA)) * sigma
    return 1.0 if rms <= bound else bound / rms


def square_sum(residual: Image) -> float:
    """Sum of squares, in float64, where squares of finite float32 values are finite."""
    return float(np.square(residual, dtype=np.float64).sum())


def subtract_and_clip(upsampled: Image, residual: Image, k: float) -> Image:
    """clip(u - k*r, 0, 255), all (3,H,W) float32; nan where the residual is not finite, which a clip would hide."""
    with np.errstate(invalid="ignore"):
        result = np.multiply(residual, np.float32(-k), order="C")
    result += upsampled
    np.copyto(result, np.nan, where=np.isinf(result))
    return np.clip(result, 0.0, 255.0, out=result)


def apply_residual(image: Image, residual: Image, *, scale: int, glue: Glue) -> Image:
    """SR of a whole image (3,h,w) from its residual (3,s*h,s*w): noise level, projection and clip."""
    upsampled = upsample_bilinear(image, scale)
    k = 1.0
    if glue.noise_level is not None and glue.alpha is not None:
        sigma = noise_level(upsampled)
        k = projection_factor(square_sum(residual), residual.size, sigma=sigma, alpha=glue.alpha)
    return subtract_and_clip(upsampled, residual, k)

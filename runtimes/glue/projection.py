"""The float glue around a residual graph, in numpy: projection and clip.

    u = bilinear(lr)   sigma = noise_level(u)
    k = min(1, exp(alpha)*sigma*sqrt(n-1) / ||r||)   sr = clip(u - k*r, 0, 255)

All images are float32 (3,H,W), RGB, in [0,255]. Source: SRResCGAN, arXiv 2005.00953, section 3.2.
"""

from __future__ import annotations

import math

import numpy as np

from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Glue
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.noise_level import noise_level

_LARGEST_ALPHA = 700.0
"""exp of more does not fit into a float64, and no residual is bounded by it."""


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


def clip(picture: Image, *, out: Image | None = None) -> Image:
    """A picture (3,H,W) float32 in [0,255]; nan where it is not finite, which a clip would hide.

    It is written to ``out`` if that is given, which may be ``picture``.
    """
    if not np.isfinite(picture).all():
        picture = np.where(np.isinf(picture), np.float32(np.nan), picture)
    return np.clip(picture, 0.0, 255.0, out=out)


def subtract(upsampled: Image, residual: Image, k: float, *, out: Image | None = None) -> Image:
    """u - k*r, all (3,H,W) float32, not clipped; written to ``out`` if that is given, which may be ``upsampled``."""
    with np.errstate(invalid="ignore"):
        return np.subtract(upsampled, residual if k == 1 else residual * np.float32(k), out=out)


def apply_residual(image: Image, residual: Image, *, scale: int, glue: Glue) -> Image:
    """SR of a whole image (3,h,w) from its residual (3,s*h,s*w): noise level, projection and clip.

    Without upsampling the residual is the picture.
    """
    if glue.upsample == "none":
        return clip(residual)
    upsampled = upsample_bilinear(image, scale)
    k = 1.0
    if glue.noise_level is not None and glue.alpha is not None:
        sigma = noise_level(upsampled)
        k = projection_factor(square_sum(residual), residual.size, sigma=sigma, alpha=glue.alpha)
    picture = subtract(upsampled, residual, k, out=upsampled)
    return clip(picture, out=picture)

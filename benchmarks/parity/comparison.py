"""The distance of an image from its golden, and whether that is too far."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgesr.benchmarks.quality.metrics import border_max_abs_error, channel_mean_shift, max_abs_error, psnr
from edgesr.runtimes.bundle.manifest import Tolerance

ONE_LEVEL_PSNR_DB = 20 * math.log10(255)
"""48.13 dB: a root mean square error of one grey level of 255. The steps of int8 alone leave half a level."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Errors on the 0..255 scale; ``failures`` lists what misses the tolerance, one sentence each.

    ``psnr_db`` is None when both images are identical (``max_abs_error`` 0) or when the output is not finite or of
    another shape (then ``max_abs_error`` is None too).
    """

    psnr_db: float | None
    max_abs_error: float | None
    mean_shift: tuple[float, ...]
    border_max_abs_error: float | None
    failures: tuple[str, ...]


def compare(
    image: NDArray[np.float32], reference: NDArray[np.float32], tolerance: Tolerance, *, ring: int
) -> Comparison:
    """Compare an image or residual (3,H,W) with its reference; the border is ``ring`` pixels wide."""
    failure = _unusable(image, reference)
    if failure is not None:
        return Comparison(
            psnr_db=None, max_abs_error=None, mean_shift=(), border_max_abs_error=None, failures=(failure,)
        )
    quality = psnr(image, reference)
    worst = max_abs_error(image, reference)
    shift = tuple(channel_mean_shift(image, reference))
    border = border_max_abs_error(image, reference, ring)
    return Comparison(
        psnr_db=finite(quality),
        max_abs_error=worst,
        mean_shift=shift,
        border_max_abs_error=border,
        failures=_missed(tolerance, quality=quality, worst=worst, shift=max(map(abs, shift)), border=border),
    )


def _unusable(image: NDArray[np.float32], reference: NDArray[np.float32]) -> str | None:
    """The reason why an output cannot be compared at all."""
    if image.shape != reference.shape:
        return f"output has shape {image.shape}, need {reference.shape}"
    wrong = image.size - int(np.isfinite(image).sum())
    return f"{wrong} of {image.size} values of the output are NaN or infinite" if wrong else None


def flat_tile_failure(comparison: Comparison, bilinear_db: float) -> str | None:
    """A message for an SR image that is farther from its golden than bilinear upsampling is; None if it is not farther.

    A network that does worse than no network is of no use, however loose its precision's tolerance is. It is excused
    below one grey level: of a flat image bilinear upsampling may be nearly or wholly exact.
    """
    quality = comparison.psnr_db
    if quality is None or quality >= min(bilinear_db, ONE_LEVEL_PSNR_DB):
        return None
    return f"PSNR {quality:.2f} dB is worse than bilinear upsampling ({bilinear_db:.2f} dB)"


def finite(value: float) -> float | None:
    """The value, or None for infinity and nan, which JSON does not have."""
    return value if math.isfinite(value) else None


def _missed(tolerance: Tolerance, *, quality: float, worst: float, shift: float, border: float) -> tuple[str, ...]:
    checks = (
        (quality >= tolerance.min_psnr_db, f"PSNR {quality:.1f} dB is below {tolerance.min_psnr_db:g}"),
        (worst <= tolerance.max_abs_error, f"max error {worst:.3g} is above {tolerance.max_abs_error:g}"),
        (shift <= tolerance.max_mean_shift, f"mean shift {shift:.3g} is above {tolerance.max_mean_shift:g}"),
        (border <= tolerance.max_border_error, f"border error {border:.3g} is above {tolerance.max_border_error:g}"),
    )
    return tuple(message for passed, message in checks if not passed)

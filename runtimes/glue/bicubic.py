"""Bicubic upsampling in numpy, of any part of an image exactly as of the whole.

The kernel is Keys' with a = -0.5, as MATLAB's imresize has it (Keys, Cubic convolution interpolation for digital image
processing, 1981, equation 15), at half-pixel centres, without antialias; pixels outside the image repeat its edge.
"""

from __future__ import annotations

import numpy as np

from edgesr.runtimes.arrays import FloatArray

REACH = 2
"""LR pixels on each side of a pixel on which its HR pixels depend."""


def upsample_bicubic(image: FloatArray, scale: int, rows: slice, columns: slice) -> FloatArray:
    """The part of (c,h,w) upsampled to (c,scale*h,scale*w) that belongs to these LR rows and columns."""
    places = [
        np.arange(part.start - REACH, part.stop + REACH).clip(0, side - 1)
        for part, side in zip((rows, columns), image.shape[1:], strict=True)
    ]
    around = image[:, places[0]][:, :, places[1]]
    return _upsample_inside(_upsample_inside(around, scale, axis=2), scale, axis=1)


def _upsample_inside(image: FloatArray, scale: int, *, axis: int) -> FloatArray:
    """An axis of ``n`` + 4 pixels -> scale * n, those of the pixels that have two neighbours on each side."""
    size = image.shape[axis] - 2 * REACH
    result = np.empty((*image.shape[:axis], size, scale, *image.shape[axis + 1 :]), dtype=np.float32)
    phases = np.moveaxis(result, axis + 1, 0)
    for phase in range(scale):
        offset = (phase + 0.5) / scale - 0.5
        taps = [(tap, _weight(tap - REACH - offset)) for tap in range(2 * REACH + 1)]
        phases[phase] = sum(
            np.float32(weight) * image.take(range(tap, tap + size), axis=axis) for tap, weight in taps if weight
        )
    return result.reshape(*image.shape[:axis], size * scale, *image.shape[axis + 1 :])


def _weight(distance: float) -> float:
    """Keys' kernel, a = -0.5."""
    x = abs(distance)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

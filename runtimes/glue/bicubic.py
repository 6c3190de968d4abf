"""Bicubic upsampling by a whole factor in numpy: at half-pixel centres, without antialias, edges repeated.

Source of the weights: Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 1981, equation
15. Its a is -0.5 in MATLAB's imresize and here, and -0.75 in PyTorch.
"""

from __future__ import annotations

import numpy as np

from edgesr.runtimes.arrays import FloatArray

REACH = 2
"""LR pixels on each side of a pixel on which its HR pixels depend."""
_MATLABS_A = -0.5


def upsample_bicubic(image: FloatArray, scale: int, rows: slice, columns: slice) -> FloatArray:
    """The part of (c,h,w) upsampled to (c,scale*h,scale*w) that belongs to these LR rows and columns, as of the whole.

    a is -0.5.
    """
    places = [
        np.arange(part.start - REACH, part.stop + REACH).clip(0, side - 1)
        for part, side in zip((rows, columns), image.shape[1:], strict=True)
    ]
    around = image[:, places[0]][:, :, places[1]]
    taps = phase_taps(scale, _MATLABS_A)
    return _upsample_inside(_upsample_inside(around, taps, axis=2), taps, axis=1)


def phase_taps(scale: int, a: float) -> FloatArray:
    """(scale,5): for every phase of an axis the weights of the pixels from 2 before to 2 after."""
    taps = np.zeros((scale, 2 * REACH + 1))
    for phase in range(scale):
        offset = (phase + 0.5) / scale - 0.5
        for place in range(-REACH, REACH + 1):
            taps[phase, place + REACH] = _keys(abs(place - offset), a)
    return taps.astype(np.float32)


def _keys(distance: float, a: float) -> float:
    """Weight of a pixel at a distance."""
    if distance <= 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    return a * (distance**3 - 5 * distance**2 + 8 * distance - 4) if distance < 2 else 0.0


def _upsample_inside(image: FloatArray, taps: FloatArray, *, axis: int) -> FloatArray:
    """An axis of n + 4 pixels -> the HR pixels of the n that have two neighbours on each side."""
    size, scale = image.shape[axis] - 2 * REACH, len(taps)
    shifted = [image.take(range(tap, tap + size), axis=axis) for tap in range(taps.shape[1])]
    result = np.empty((*image.shape[:axis], size, scale, *image.shape[axis + 1 :]), dtype=np.float32)
    phases = np.moveaxis(result, axis + 1, 0)
    for phase, weights in enumerate(taps):
        phases[phase] = sum(weight * one for weight, one in zip(weights, shifted, strict=True) if weight)
    return result.reshape(*image.shape[:axis], size * scale, *image.shape[axis + 1 :])

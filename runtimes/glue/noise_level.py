"""Noise level of an image: median absolute deviation of its finest diagonal db7 wavelet coefficients.

Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage" (1994); used by SRResCGAN (arXiv 2005.00953).
It is a statistic of the whole image. `streamed_noise_level` computes it in bands of rows, so that memory does not grow
with the image, and gives the very same number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.arrays import Image

Rows = Callable[[int, int], Image]
"""First and last row (exclusive) -> those rows of the upsampled image, (3,n,W)."""

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
_HALF = 16
_BAND_VALUES = 2**18


def noise_level(image: Image) -> float:
    """Noise level (standard deviation, same scale as the image) of the bilinear upsampled image (3,H,W)."""
    rows = np.pad(image, [(0, 0), (_PAD, _PAD), (0, 0)], mode="reflect")
    detail = _detail(rows).reshape(image.shape[0], -1)
    middle = (detail.shape[1] - 1) // 2
    return _from_medians(np.partition(detail, middle, axis=1)[:, middle])


def streamed_noise_level(rows: Rows, size: tuple[int, int]) -> float:
    """The same of an upsampled image (3,H,W) of ``size`` (H,W) that is asked for in bands of rows, twice.

    The exact lower median by radix: non-negative floats are ordered as their bits are, so a first pass counts upper
    halves of the bits and a second one the lower halves of those that share the median's upper half.
    """
    count = (size[0] // 2 + 1) * (size[1] // 2 + 1)
    middle = (count - 1) // 2
    upper = np.zeros((3, 1 << _HALF), dtype=np.int64)
    for bits in _bits_in_bands(rows, size):
        for channel in range(3):
            upper[channel] += np.bincount(bits[channel] >> _HALF, minlength=1 << _HALF)
    below = upper.cumsum(axis=1)
    found = [int(np.searchsorted(below[channel], middle, side="right")) for channel in range(3)]
    lower = np.zeros_like(upper)
    for bits in _bits_in_bands(rows, size):
        for channel in range(3):
            same = bits[channel][bits[channel] >> _HALF == found[channel]] & ((1 << _HALF) - 1)
            lower[channel] += np.bincount(same, minlength=1 << _HALF)
    medians = np.empty(3, dtype=np.uint32)
    for channel in range(3):
        rank = middle - (below[channel, found[channel]] - upper[channel, found[channel]])
        medians[channel] = found[channel] << _HALF | int(np.searchsorted(lower[channel].cumsum(), rank, side="right"))
    return _from_medians(medians.view(np.float32))


def _from_medians(medians: Image) -> float:
    return float((medians / np.float32(MAD_TO_SIGMA)).mean(dtype=np.float32))


def _bits_in_bands(rows: Rows, size: tuple[int, int]) -> Iterator[NDArray[np.int64]]:
    """Bits of the absolute detail coefficients, (3,n) a band."""
    height, width = size
    count = height // 2 + 1
    step = max(1, _BAND_VALUES // width)
    for first in range(0, count, step):
        last = min(first + step, count)
        index = _reflect(np.arange(2 * first - _PAD, 2 * last + len(DB7_HIGH_PASS) - 2 - _PAD), height)
        top = int(index.min())
        band = rows(top, int(index.max()) + 1)[:, index - top]
        yield _detail(band).reshape(3, -1).view(np.uint32).astype(np.int64)


def _reflect(index: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    index = np.abs(index)
    return np.where(index < size, index, 2 * (size - 1) - index)


def _detail(rows: Image) -> Image:
    """Absolute diagonal coefficients of rows (3,n,W) that are already padded: every second row and column."""
    columns = _high_pass(rows, axis=1)
    padded = np.pad(columns, [(0, 0), (0, 0), (_PAD, _PAD)], mode="reflect")
    return np.abs(np.ascontiguousarray(_high_pass(padded, axis=2)))


def _high_pass(image: Image, *, axis: int) -> Image:
    """db7 high-pass with stride 2 along a padded axis, as summed taps on first differences: flat stays exactly 0."""
    rows = np.moveaxis(np.diff(image, axis=axis), axis, 0)
    count = (rows.shape[0] - len(DB7_DIFFERENCE_TAPS)) // 2 + 1
    result = np.zeros((count, *rows.shape[1:]), dtype=np.float32)
    for i, tap in enumerate(DB7_DIFFERENCE_TAPS):
        result += np.float32(tap) * rows[i : i + 2 * count - 1 : 2]
    return np.moveaxis(result, 0, axis)

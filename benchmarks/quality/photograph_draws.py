"""Random settings of the degradation `real` (`PhotographChain`): the shares and ranges of every step, stated once.

Levels are those of photographs as phones and the web give them. A tenth of them stay clean (bicubic reduction alone).
Of the others, each step on its own:

    blur           70%   0.05 to 0.45 LR pixels (times the scale in HR pixels), x and y apart by up to 1.25 each way
    camera's size  50%   1 to 2 times LR (no more than HR), evenly in its logarithm; the others: LR itself
    first filter         box 30%, bilinear 30%, bicubic 40%
    noise          60%   shot 0.0001 to 0.003, evenly in its logarithm; Brooks et al. (arXiv 1811.11127, section 3.1)
                         draw to 0.012, for raw images that no phone has denoised yet. Read: log read is normal with
                         mean 2.18 log shot + 1.2 and standard deviation 0.26. Gains: red 1.9 to 2.4, blue 1.5 to 1.9.
                         Correlation: 0.3 to 0.8 pixels
    sharpening     40%   amount 0.2 to 0.8, standard deviation 0.6 to 1.4 pixels
    camera's JPEG  70%   quality 80 to 95
    second filter        bilinear 50%, bicubic 50%
    web's JPEG     60%   quality 30 to 90

In a batch, camera's size and filters are drawn for up to 4 groups of neighbouring images, all else for each image.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgesr.benchmarks.quality.image_steps import FILTERS
from edgesr.benchmarks.quality.photograph_chain import PhotographChain
from edgesr.runtimes.arrays import FloatArray

GROUPS = 4
MAX_FACTOR = 2.0
MAX_BLUR = 0.45 * 1.25
"""Largest standard deviation of the blur in LR pixels."""
MAX_SHARPEN_SIGMA = 1.4
_BOX, _BILINEAR, _BICUBIC = (FILTERS.index(name) for name in ("box", "bilinear", "bicubic"))
_COLUMNS = 16
_GROUP_COLUMNS = 4


class DegradationDraws(NamedTuple):
    """Settings of every step for n images, as arrays (n,); an amount of 0 leaves a step out.

    The fields of `PhotographChain`, with filters as places in `FILTERS`; and ``noise`` of `Degradation`, which comes
    before ``web_jpeg``, 0 in `real`.
    """

    blur_x: FloatArray
    blur_y: FloatArray
    factor: FloatArray
    first_filter: NDArray[np.int64]
    second_filter: NDArray[np.int64]
    shot: FloatArray
    read: FloatArray
    gain_red: FloatArray
    gain_blue: FloatArray
    correlation: FloatArray
    sharpen: FloatArray
    sharpen_sigma: FloatArray
    camera_jpeg: NDArray[np.int64]
    noise: FloatArray
    web_jpeg: NDArray[np.int64]

    def part(self, start: int, stop: int) -> DegradationDraws:
        """Settings of the images from ``start`` to before ``stop``."""
        return DegradationDraws._make(column[start:stop] for column in self)

    def at(self, rows: NDArray[np.intp]) -> DegradationDraws:
        """Settings of the images at some places."""
        return DegradationDraws._make(column[rows] for column in self)

    def chain(self, row: int) -> PhotographChain:
        """The chain of one image."""
        values = {field.name: getattr(self, field.name)[row].item() for field in fields(PhotographChain)}
        values |= {name: FILTERS[values[name]] for name in ("first_filter", "second_filter")}
        return PhotographChain(**values)


def draw_chain(random: np.random.Generator, scale: int) -> PhotographChain:
    """One chain, for LR that is ``scale`` times smaller than HR."""
    return draw_photographs(random, 1, scale).chain(0)


def draw_photographs(random: np.random.Generator, count: int, scale: int) -> DegradationDraws:
    """Chains of ``count`` images."""
    u = random.random((_COLUMNS, count), dtype=np.float32)
    normal = random.standard_normal(count, dtype=np.float32)
    group = random.random((_GROUP_COLUMNS, GROUPS), dtype=np.float32)[:, np.arange(count) * GROUPS // count]
    spoilt = u[0] >= 0.1
    blurred = spoilt & (u[1] < 0.7)
    sigma = np.where(blurred, _between(u[2], 0.05, 0.45) * scale, 0)
    ratio = _between_logarithms(u[3], 1 / 1.25, 1.25)
    resized = spoilt & (group[0] < 0.5)
    first = np.select([group[2] < 0.3, group[2] < 0.6], [_BOX, _BILINEAR], _BICUBIC)
    log_shot = _between(u[5], math.log(0.0001), math.log(0.003))
    noisy = spoilt & (u[4] < 0.6)
    return DegradationDraws(
        blur_x=sigma * ratio,
        blur_y=(sigma / ratio).astype(np.float32),
        factor=np.where(resized, _between_logarithms(group[1], 1, min(scale, MAX_FACTOR)), np.float32(1)),
        first_filter=np.where(spoilt, first, _BICUBIC),
        second_filter=np.where(resized & (group[3] < 0.5), _BILINEAR, _BICUBIC),
        shot=np.exp(log_shot) * noisy,
        read=np.exp(2.18 * log_shot + 1.2 + 0.26 * normal) * noisy,
        gain_red=_between(u[6], 1.9, 2.4),
        gain_blue=_between(u[7], 1.5, 1.9),
        correlation=_between(u[8], 0.3, 0.8),
        sharpen=_between(u[10], 0.2, 0.8) * (spoilt & (u[9] < 0.4)),
        sharpen_sigma=_between(u[11], 0.6, MAX_SHARPEN_SIGMA),
        camera_jpeg=_between(u[13], 80, 96).astype(np.int64) * (spoilt & (u[12] < 0.7)),
        noise=np.zeros(count, np.float32),
        web_jpeg=_between(u[15], 30, 91).astype(np.int64) * (spoilt & (u[14] < 0.6)),
    )


def _between(uniform: FloatArray, low: float, high: float) -> FloatArray:
    return low + (high - low) * uniform


def _between_logarithms(uniform: FloatArray, low: float, high: float) -> FloatArray:
    return np.exp(_between(uniform, math.log(low), math.log(high)))

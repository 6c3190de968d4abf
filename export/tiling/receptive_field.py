"""The receptive field of a network, measured by how far not-a-number spreads from one pixel of its input."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.contract import next_multiple

_RADII = (20, 64)
"""Tried in turn, in LR pixels: a small image is enough for most networks."""


def receptive_field(
    run: Callable[[Image], Image], *, scale: int, channels: int, step: int, least_side: int
) -> int | None:
    """Radius in LR pixels around a block of ``step`` pixels a side, which begins at a multiple of it.

    None where it is larger than 64, as it is where every pixel depends on the whole image, and where an operator stops
    what is not a number. ``least_side`` of an image that the network takes. ``run``: LR (c,h,w) float32 ->
    (c,s*h,s*w), by convolutions that sum up no more than their kernels cover (no Winograd).
    """
    for radius in _RADII:
        start = next_multiple(max(radius, math.ceil((least_side - step) / 2)), step)
        lr = np.full((channels, 2 * start + step, 2 * start + step), 128, dtype=np.float32)
        lr[:, start : start + step, start : start + step] = np.nan
        reached = np.argwhere(np.isnan(run(lr)).any(axis=0)) // scale
        if not reached.size:
            return None
        before, after = start - int(reached.min()), int(reached.max()) - (start + step - 1)
        if max(before, after) < start:
            return max(before, after, 0)
    return None

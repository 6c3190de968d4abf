"""The same values in two files: their axes may be in another order, and joined or divided otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.arrays import FloatArray

_MOST_AXES = 5
_IN_ANOTHER_ORDER = 0.1
"""Relative RMS from which on values that are the same when they are sorted are in another order, and not wrong."""


def nearest(a: Sequence[FloatArray], b: Sequence[FloatArray], limit: float) -> tuple[FloatArray, FloatArray] | None:
    """The pair of values to compare of a layer: one of the tensors of A, in the axes of B's, and that of B; None if
    there is none.

    The first of each carry its values on. The others are there before and behind constants, which one file may have
    folded into weights: one of them is taken with the first of the other file, where those first are not within the
    ``limit`` of relative RMS and it is nearer.
    """
    pairs = [(a[0], b[0]), *((other, b[0]) for other in a[1:]), *((a[0], other) for other in b[1:])]
    best: tuple[FloatArray, FloatArray] | None = None
    error = math.inf
    for ours, theirs in pairs:
        found = aligned(ours, theirs, limit)
        if found is not None and (best is None or relative_rms(found, theirs) < error):
            best, error = (found, theirs), relative_rms(found, theirs)
        if error <= limit:
            break
    return best


def aligned(a: FloatArray, b: FloatArray, limit: float) -> FloatArray | None:
    """A in the axes of B: as it is where it fits, otherwise in the order of axes in which it is nearest to B.

    None where both have the same values, as it is told when they are sorted, and no order of axes shows it.
    """
    if a.shape == b.shape and relative_rms(a, b) <= limit:
        return a
    if a.size != b.size:
        return None
    same_values = relative_rms(np.sort(a, axis=None), np.sort(b, axis=None)) <= min(limit, _IN_ANOTHER_ORDER)
    if a.shape == b.shape and not same_values:
        return a
    best, least = a, math.inf
    for values in _orders(a, b.shape):
        error = relative_rms(values, b)
        if error <= limit:
            return values
        if best is a or error < least:
            best, least = values, error
    return None if same_values and least > max(limit, _IN_ANOTHER_ORDER) else best


def relative_rms(a: FloatArray, b: FloatArray) -> float:
    """RMS of the difference of two arrays of one shape, divided by that of ``b``; infinite where it is no number."""
    with np.errstate(invalid="ignore", over="ignore"):
        error = root_mean_square(a.astype(np.float64) - b)
        size = root_mean_square(b)
    if error == 0:
        return 0.0
    relative = error / size if size > 0 else math.inf
    return relative if math.isfinite(relative) else math.inf


def root_mean_square(values: NDArray[np.floating]) -> float:
    """The root mean square, computed in float64."""
    flat = values.astype(np.float64, copy=False).reshape(-1)
    return math.sqrt(np.vdot(flat, flat) / flat.size)


def _orders(a: FloatArray, shape: tuple[int, ...]) -> Iterator[FloatArray]:
    """All orders of the axes in another shape of the same size; the given one alone of what has many."""
    values = a.squeeze()
    if values.ndim <= _MOST_AXES:
        for axes in permutations(range(values.ndim)):
            yield values.transpose(axes).reshape(shape)
    else:
        yield values.reshape(shape)

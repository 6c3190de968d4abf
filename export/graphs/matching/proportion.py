"""Arrays that are the same but for one factor, as constants and tensors are that a converter has scaled."""

from __future__ import annotations

import numpy as np

from edgesr.runtimes.arrays import FloatArray

SAME_WEIGHTS, SAME_VALUES = 1e-5, 1e-3
_SAMPLED, _LEAST = 16, 1e-30


def sample_of(weights: FloatArray) -> FloatArray:
    """A few weights divided by the largest: where they are not the same, all need not be compared."""
    flat = weights.ravel()
    result: FloatArray = flat[:: max(flat.size // _SAMPLED, 1)] / max(float(np.abs(flat).max()), _LEAST)
    return result


def may_be_same(own: FloatArray, other: FloatArray) -> bool:
    """Whether two samples of arrays of one size may be those of the same weights."""
    return own.size == other.size and bool(np.abs(own - other).max() <= 3 * SAME_WEIGHTS)


def factor_of(values: FloatArray, others: FloatArray, tolerance: float) -> float | None:
    """The factor above 0 by which all values differ from the others; None if there is no such factor."""
    if values.size != others.size:
        return None
    one, other = (array.ravel().astype(np.float64) for array in (values, others))
    square = float(other @ other)
    if square == 0:
        return 1.0 if not one.any() else None
    factor = float(one @ other) / square
    return factor if factor > 0 and np.abs(one - factor * other).max() <= tolerance * np.abs(one).max() else None

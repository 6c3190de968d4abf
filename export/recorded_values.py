"""The recorded values of users' layers in a bundle: a sample of each tensor, spread over all of its axes."""

from __future__ import annotations

import math

import numpy as np

from edgesr.runtimes.arrays import FloatArray

_MOST_VALUES = 8192


def sampled(values: FloatArray) -> FloatArray:
    """A sample of at most 8192 values of a tensor of any shape, as one axis, in the order in which they lie in it.

    Their distance has no factor in common with the size of the tensor, so that all channels are among them.
    """
    step = -(-values.size // _MOST_VALUES)
    while math.gcd(step, values.size) > 1:
        step += 1
    return np.ascontiguousarray(values.reshape(-1)[::step])

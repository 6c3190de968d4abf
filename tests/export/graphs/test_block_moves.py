"""Permutations of many axes as chains of transposes of at most four."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesr.export.graphs.for_delegates.block_moves import moves


@pytest.mark.parametrize(
    ("shape", "permutation", "count"),
    [
        ((2, 3, 4, 5, 6, 7), (0, 1, 2, 3, 4, 5), 0),
        ((1, 1, 1, 1, 1, 1), (5, 4, 3, 2, 1, 0), 0),
        ((1, 4, 8, 4, 8, 3), (0, 1, 3, 2, 4, 5), 1),
        ((1, 4, 4, 3, 2, 2), (0, 1, 4, 2, 5, 3), 2),
        ((1, 16, 4, 8, 4, 8), (0, 2, 4, 3, 5, 1), 2),
        ((2, 3, 4, 5, 6), (4, 2, 0, 3, 1), 2),
        ((4, 6, 3, 2, 5), (2, 0, 3, 1, 4), 2),
    ],
)
def test_a_chain_of_transposes_orders_values_as_the_permutation(
    shape: tuple[int, ...], permutation: tuple[int, ...], count: int
) -> None:
    values: NDArray[np.int64] = np.arange(np.prod(shape))
    found = moves(shape, permutation)
    ordered = values
    for move in found:
        assert len(move.shape) <= 4
        ordered = ordered.reshape(move.shape).transpose(move.permutation)
    assert np.array_equal(ordered.ravel(), values.reshape(shape).transpose(permutation).ravel())
    assert len(found) == count

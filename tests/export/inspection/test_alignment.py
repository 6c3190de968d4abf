"""Tensors of two files whose axes differ, and samples of recorded ones."""

from __future__ import annotations

import numpy as np
import pytest

from edgesr.export.diff.alignment import aligned, nearest, relative_rms
from edgesr.export.diff.differences import compare
from edgesr.export.graphs.layer_graphs import Layer, LayerTensors
from edgesr.export.recorded_values import sampled
from edgesr.runtimes.arrays import FloatArray

LIMIT = 1e-4


def values(*shape: int) -> FloatArray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_axes_are_ordered_joined_and_divided() -> None:
    b = values(6, 4, 5)
    for a in (b, b.transpose(1, 2, 0), b.transpose(2, 0, 1), b.reshape(24, 5), b.transpose(1, 2, 0).reshape(20, 6)):
        found = aligned(np.ascontiguousarray(a), b, LIMIT)
        assert found is not None and np.array_equal(found, b)
    square = values(4, 4, 4)
    found = aligned(np.ascontiguousarray(square.transpose(1, 2, 0)), square, LIMIT)
    assert found is not None and np.array_equal(found, square)


def test_wrong_values_stay_wrong_in_the_axes_where_they_are_nearest() -> None:
    b = values(6, 4, 5)
    wrong = b.copy()
    wrong[2] *= -1.5
    for a in (wrong, wrong.transpose(1, 2, 0)):
        found = aligned(np.ascontiguousarray(a), b, LIMIT)
        assert found is not None and np.array_equal(found, wrong)
        assert relative_rms(found, b) == pytest.approx(2.5 * np.linalg.norm(b[2]) / np.linalg.norm(b), rel=1e-6)
    barely = (b * np.float32(1 + 2e-4)).astype(np.float32)
    assert aligned(barely, b, LIMIT) is not None, "above the limit, and no other order of the same values"


def test_rounding_above_a_high_limit_is_no_other_order() -> None:
    """As in files of 8 bits, whose threshold is high."""
    b = values(6, 4, 5)
    rounded = b + values(5, 4, 6).reshape(b.shape)
    found = aligned(rounded, b, 0.75)
    assert found is not None and np.array_equal(found, rounded)
    assert relative_rms(found, b) > 0.75


def test_the_same_values_in_an_unknown_order_are_not_compared() -> None:
    b = values(6, 8, 8)
    windows = b.reshape(6, 2, 4, 2, 4).transpose(1, 3, 2, 4, 0).reshape(4, 16, 6)
    assert aligned(np.ascontiguousarray(windows), b, LIMIT) is None
    assert aligned(values(6, 8, 7), b, LIMIT) is None
    assert nearest([values(2, 3)], [b], LIMIT) is None


def test_a_tensor_before_constants_is_taken_where_the_other_file_folded_them() -> None:
    before, behind = values(3, 4, 5), values(3, 4, 5) + 2
    for a, b in (([before, behind], [behind]), ([behind], [before, behind]), ([behind, before], [behind, before])):
        pair = nearest(a, b, LIMIT)
        assert pair is not None and relative_rms(*pair) == 0
    wrong = behind * 3
    pair = nearest([wrong, before], [behind, before], LIMIT)
    assert pair is not None and relative_rms(*pair) > 0.1, "a wrong constant is not passed over"


@pytest.mark.parametrize("shape", [(64, 64, 64), (1, 48, 48, 16), (36, 64, 48), (3, 96, 96), (5,)])
def test_a_sample_holds_values_of_all_rows_columns_and_channels(shape: tuple[int, ...]) -> None:
    size = int(np.prod(shape))
    places = sampled(np.arange(size, dtype=np.float64).reshape(shape).astype(np.float32)).astype(np.int64)
    assert min(size, 4000) <= len(places) <= 8192 and len(set(places.tolist())) == len(places)
    for axis, indexes in enumerate(np.unravel_index(places, shape)):
        assert len(set(indexes.tolist())) == shape[axis]


def read_as(picture: FloatArray) -> LayerTensors:
    return LayerTensors(frozenset(["y"]), lambda _name: (np.ascontiguousarray(picture),))


@pytest.mark.parametrize("fault", ["turned", "mirrored", "in another order of colours"])
def test_pictures_have_one_order_of_axes(fault: str) -> None:
    """The same values elsewhere in a picture are a fault; in a tensor inside they may be another layout."""
    picture = values(3, 8, 8)
    wrong = {"turned": picture.transpose(0, 2, 1), "mirrored": picture[:, :, ::-1]}.get(fault, picture[::-1])
    layer = Layer(tensor="y", layer="tail", operator="Conv")
    a, b = read_as(wrong), read_as(picture)
    (row,) = compare([layer], a, b, LIMIT, ["y"])
    assert not row.passed and row.relative_rms is not None and row.relative_rms > 0.5
    assert all(row.passed for row in compare([layer], a, b, LIMIT))

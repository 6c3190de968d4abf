"""Ranges of activations: histograms, the three ways to clip them, and the image's own range."""

from __future__ import annotations

from statistics import NormalDist
from typing import get_args

import numpy as np
import pytest
from onnx import helper

from edgesr.export.quantization.ranges import (
    BINS,
    PERCENTILE,
    Histogram,
    affine_8bit,
    choose_range,
    collect_histograms,
    image_ranges,
    wide_ranges,
)
from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod
from tests.helpers.small_graphs import conv, kernels, make_graph

METHODS = get_args(RangeMethod)


def histogram(low: float, high: float, **counts: int) -> Histogram:
    """A histogram of 100 bins; ``counts`` by bin, as b7=3."""
    values = np.zeros(100, dtype=np.int64)
    for name, count in counts.items():
        values[int(name[1:])] = count
    return Histogram(low, high, values)


def squared_error(counts: Histogram, low: float, high: float) -> float:
    """The squared error of rounding the bins' centres to 256 levels from low to high."""
    centres = (counts.edges[1:] + counts.edges[:-1]) / 2
    scale = (high - low) / 255
    levels = np.clip(np.round(centres / scale) + round(-low / scale), 0, 255) - round(-low / scale)
    return float((counts.counts * (levels * scale - centres) ** 2).sum())


def test_histograms_count_every_value_of_all_tiles() -> None:
    model = make_graph([helper.make_node("Mul", ["x", "two"], ["y"])], {"two": 2.0})
    first, second = np.zeros((3, 4, 5), dtype=np.float32), np.full((3, 4, 5), 8, dtype=np.float32)
    first[0, 0, 0], second[1, 2, 3] = -2, 4
    found = collect_histograms(model, ["x", "y"], [first, second])
    for name, factor in (("x", 1), ("y", 2)):
        assert (found[name].low, found[name].high) == (-2 * factor, 8 * factor)
        counts = found[name].counts
        assert counts.shape == (BINS,)
        # -2 is the low end, 8 the high end; 0 and 4 lie 2/10 and 6/10 between them.
        assert {int(i): int(counts[i]) for i in np.flatnonzero(counts)} == {
            0: 1,
            BINS * 2 // 10: 59,
            BINS * 6 // 10: 1,
            BINS - 1: 59,
        }
        assert found[name].edges[0] == -2 * factor and found[name].edges[-1] == 8 * factor


def test_an_outlier_is_clipped_by_percentile_and_mse_alone() -> None:
    """A million values near 0.5 and one at 99.5. 64/255 is near enough to 0.25 that 0.5 is kept: the hand's best."""
    counts = histogram(0, 100, b0=1_000_000, b99=1)
    assert choose_range(counts, "minmax") == (0, 100)
    assert choose_range(counts, "percentile") == (0, 1)
    assert choose_range(counts, "mse") == pytest.approx((0, 64))
    assert squared_error(counts, 0, 64) == pytest.approx(35.5**2 + 1e6 * (128 / 255 - 0.5) ** 2)
    assert all(squared_error(counts, 0, 64) < squared_error(counts, 0, high) for high in range(10, 101) if high != 64)


def test_outliers_on_both_sides_of_a_bell() -> None:
    """A standard deviation of 1 and an outlier at each end: each end is where its neighbours are worse."""
    centres = np.linspace(-20, 20, BINS + 1)[1:] - 20 / BINS
    bell = np.round(1e6 * np.exp(-np.square(centres) / 2)).astype(np.int64)
    bell[0] = bell[-1] = 1
    counts = Histogram(-20.0, 20.0, bell)
    bound = NormalDist().inv_cdf(0.5 + PERCENTILE / 200)
    assert choose_range(counts, "minmax") == (-20, 20)
    assert choose_range(counts, "percentile") == pytest.approx((-bound, bound), abs=0.02)
    low, high = choose_range(counts, "mse")
    assert -10 < low < -3.9 and 3.9 < high < 10
    best = squared_error(counts, low, high)
    for other in ((-20, 20), (-3, 3), (low - 1, high), (low + 1, high), (low, high - 1), (low, high + 1)):
        assert best < squared_error(counts, *other), other


def test_percentile_cuts_half_of_the_rest_at_each_end() -> None:
    """One of so many values may go: two at the end stay."""
    values = round(2 / (1 - PERCENTILE / 100))
    assert choose_range(histogram(0, 100, b50=values - 2, b99=2), "percentile") == (0, 100)
    assert choose_range(histogram(0, 100, b50=2 * values - 1, b99=1), "percentile") == (0, 51)


def test_mse_keeps_all_of_an_even_spread() -> None:
    counts = Histogram(0.0, 255.0, np.full(BINS, 10, dtype=np.int64))
    low, high = choose_range(counts, "mse")
    assert low == 0
    assert high >= 0.99 * 255


@pytest.mark.parametrize("method", METHODS)
def test_zero_is_always_inside(method: RangeMethod) -> None:
    low, high = choose_range(histogram(5, 10, b0=10, b99=10), method)
    assert low == 0 and 9 < high <= 10
    low, high = choose_range(histogram(-10, -5, b0=10, b99=10), method)
    assert high == 0 and -10 <= low < -9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("value", "expected"), [(7.0, (0.0, 7.0)), (-3.0, (-3.0, 0.0)), (0.0, (0.0, 0.0))])
def test_constant_tensors(method: RangeMethod, value: float, expected: tuple[float, float]) -> None:
    model = make_graph([helper.make_node("Identity", ["x"], ["y"])], {})
    found = collect_histograms(model, ["y"], [np.full((3, 2, 2), value, dtype=np.float32)] * 2)["y"]
    assert int(found.counts.sum()) == 24
    assert choose_range(found, method) == expected


def test_affine_8bit_by_hand() -> None:
    assert affine_8bit(0, 255) == (1, 0)
    assert affine_8bit(-128, 127) == (1, 128)
    assert affine_8bit(-51, 0) == (0.2, 255)
    assert affine_8bit(0, 0) == (1, 0)


def test_an_image_that_is_normalised_by_itself_has_the_range_of_the_tiles_too() -> None:
    nodes = [
        helper.make_node("InstanceNormalization", ["x", "gain", "shift"], ["normalised"], epsilon=1e-5),
        conv("head", "normalised", "y"),
    ]
    tensors = {"gain": np.ones(3), "shift": np.zeros(3), "body.head.weight": kernels(np.eye(3))}
    model = make_graph(nodes, {**tensors, "body.head.bias": np.zeros(3)})
    tile = np.full((3, 16, 16), 5, dtype=np.float32)
    tile[:, 3, 4] = 255
    plain = image_ranges(model, ["normalised"])["normalised"]
    low, high = image_ranges(model, ["normalised"], (16, 16), [tile])["normalised"]
    assert plain[1] < 2 and low == plain[0] and high == pytest.approx(255 / 16, rel=0.01)


def test_the_image_has_its_full_range_however_dark_the_tiles_are() -> None:
    """The image, its division by 255 and its padding; what follows a convolution is not among them."""
    nodes = [
        helper.make_node("Div", ["x", "white"], ["divided"]),
        helper.make_node("Pad", ["divided", "pads"], ["padded"], mode="reflect"),
        conv("head", "padded", "features"),
        helper.make_node("Relu", ["features"], ["y"]),
    ]
    tensors = {
        "white": 255.0,
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64),
        "body.head.weight": kernels(np.eye(3) * 2),
        "body.head.bias": np.full(3, 0.5),
    }
    model = make_graph(nodes, tensors)
    names = ["x", "divided", "padded", "features", "y"]
    assert image_ranges(model, names) == {"x": (0, 255), "divided": (0, 1), "padded": (0, 1)}
    dark = [np.full((3, 8, 8), 5, dtype=np.float32)]
    assert choose_range(collect_histograms(model, ["x", "divided"], dark)["x"], "minmax") == (0, 5)
    wide = wide_ranges(model, dark)
    assert wide["x"] == (0, 2 * 255)
    assert wide["padded"] == (0, 2)
    assert wide["features"] == pytest.approx((0, 2 * (0.5 + 2 * 5 / 255)))
    assert set(wide) == {*names}

"""Weights on the int8 grid: hand-computed kernels, and what holds for all of them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from edgesr.export.graphs.onnx_graph import constant, layer_names
from edgesr.export.quantization.weight_rounding import LEVELS_7BIT, LEVELS_8BIT, keep_sums, round_weights
from tests.helpers.small_graphs import conv, kernels, make_graph


def kernel(*taps: float) -> NDArray[np.float32]:
    """One output channel with one kernel of these taps, (1,1,1,n)."""
    return np.array(taps, dtype=np.float32)[None, None, None]


@pytest.mark.parametrize(
    ("taps", "expected"),
    [
        ((64, 0.4, 0.4, 0.4), (64, 1, 0, 0)),  # 65.2: one more than the nearest give
        ((64, 0.3, 0.45, 0.4), (64, 0, 1, 0)),  # the tap that is nearest to the other side
        ((64, 0.6, 0.6, 0.6, 0.6), (64, 1, 1, 0, 0)),  # 66.4: two fewer
        ((64, 0.9, 0.6, 0.7), (64, 1, 0, 1)),  # 66.2
        ((64, 0.4, -0.4, 0.1), (64, 0, 0, 0)),  # 64.1: the nearest are right
        ((-64, -0.4, -0.4, -0.4), (-64, 0, 0, -1)),  # negative sums too: -65.2
        ((64, 63.6, 63.6, -63.6, -63.6), (64, 64, 64, -64, -64)),
        ((64, 63.4, 63.4, 63.4), (64, 64, 63, 63)),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_kernels_by_hand(taps: tuple[float, ...], expected: tuple[float, ...]) -> None:
    assert keep_sums(kernel(*taps), LEVELS_7BIT).ravel().tolist() == list(expected)
    scaled = keep_sums(kernel(*(tap * 0.25 for tap in taps)), LEVELS_7BIT)
    assert scaled.ravel().tolist() == [tap * 0.25 for tap in expected]


def test_every_kernel_keeps_its_own_sum_on_the_grid_of_its_output_channel() -> None:
    """Two outputs of two inputs: steps 1 and 0.5; the sums are not traded between kernels."""
    weights = np.array(
        [
            [[[64, 0.4, 0.4, 0.4]], [[0.4, 0.4, 0.4, 0.0]]],
            [[[32, 0.2, 0.2, 0.2]], [[-0.2, -0.2, -0.2, 0.0]]],
        ],
        dtype=np.float32,
    )
    assert keep_sums(weights, 64).tolist() == [
        [[[64, 1, 0, 0]], [[1, 0, 0, 0]]],
        [[[32, 0.5, 0, 0]], [[0, 0, -0.5, 0]]],
    ]


def test_zero_kernels_stay_zero_beside_others() -> None:
    weights = np.random.default_rng(0).normal(size=(3, 2, 3, 3)).astype(np.float32)
    weights[1], weights[2, 0] = 0, 0
    rounded = keep_sums(weights, LEVELS_8BIT)
    assert not rounded[1].any() and not rounded[2, 0].any()
    assert rounded[0].any() and np.isfinite(rounded).all()


@pytest.mark.parametrize("levels", [LEVELS_7BIT, LEVELS_8BIT])
@pytest.mark.parametrize("shape", [(16, 8, 3, 3), (8, 3, 5, 5), (4, 6, 1, 1), (1, 1, 3, 3)])
def test_what_holds_for_all_kernels(levels: int, shape: tuple[int, ...]) -> None:
    weights = np.random.default_rng(1).standard_t(3, size=shape).astype(np.float32)
    rounded = keep_sums(weights, levels)
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    step = largest.astype(np.float64) / levels
    steps = rounded / step
    assert np.abs(steps - np.rint(steps)).max() < 1e-4
    assert np.abs(rounded).max(axis=(1, 2, 3), keepdims=True) == pytest.approx(largest, rel=1e-6)
    assert (np.abs(rounded - weights) < step * (1 + 1e-5)).all()
    sums = np.abs((rounded.astype(np.float64) - weights).sum(axis=(2, 3), keepdims=True)) / step
    assert sums.max() <= 0.5 + 1e-4
    assert np.array_equal(keep_sums(rounded, levels), rounded)
    if shape[-1] == 3 and shape[0] > 1:
        nearest = np.rint(weights / step) * step
        assert np.abs((nearest - weights).sum(axis=(2, 3), keepdims=True) / step).max() > 0.6


def test_seven_bits_are_coarser_than_eight() -> None:
    weights = np.random.default_rng(2).normal(size=(4, 4, 3, 3)).astype(np.float32)
    errors = [np.square(keep_sums(weights, levels) - weights).mean() for levels in (LEVELS_7BIT, LEVELS_8BIT)]
    assert errors[0] > 3 * errors[1]
    assert (LEVELS_7BIT, LEVELS_8BIT) == (64, 127)


def two_convolutions() -> onnx.ModelProto:
    rows = [[64, 0.4, 0.2], [1, 0.26, 0.5], [0.3, 0.1, 0.2]]
    tensors = {f"body.{name}.{kind}": v for name in "ab" for kind, v in (("weight", kernels(rows)), ("bias", [0] * 3))}
    return make_graph([conv("a", "x", "features"), conv("b", "features", "y")], tensors)


def test_only_the_named_layers_are_rounded_in_a_copy() -> None:
    model = two_convolutions()
    before = model.SerializeToString()
    rounded = round_weights(model, ["conv.b"], LEVELS_7BIT)
    assert model.SerializeToString() == before
    assert np.array_equal(constant(rounded, "body.a.weight"), constant(model, "body.a.weight"))
    assert constant(rounded, "body.b.weight")[0].ravel().tolist() == [64, 0, 0]
    assert constant(rounded, "body.b.weight")[1].ravel() == pytest.approx([1, 17 / 64, 0.5])
    assert round_weights(model, [], LEVELS_7BIT).SerializeToString() == before


def test_what_stays_in_float_keeps_weights_that_it_shares() -> None:
    """With a layer that is rounded, and with a product that is no layer: each reads its own constant."""
    model = two_convolutions()
    model.graph.node[0].input[1] = "body.b.weight"
    model.graph.node.append(helper.make_node("Identity", ["body.b.weight"], ["other"], name="other"))
    original = constant(model, "body.b.weight")
    rounded = round_weights(model, ["conv.b"], LEVELS_7BIT)
    onnx.checker.check_model(rounded)
    float_layer, layer, other = rounded.graph.node
    assert np.array_equal(constant(rounded, float_layer.input[1]), original)
    assert np.array_equal(constant(rounded, other.input[0]), original)
    assert not np.array_equal(constant(rounded, layer.input[1]), original)
    assert layer_names(rounded) == {"conv.a": "b", "conv.b": "b"}
    assert [tensor.name for tensor in rounded.graph.initializer].count("float.body.b.weight") == 1
    both = round_weights(model, ["conv.a", "conv.b"], LEVELS_7BIT)
    assert both.graph.node[0].input[1] == both.graph.node[1].input[1] == "body.b.weight"

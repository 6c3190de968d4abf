"""Transposed convolutions, Gemm and MatMul as layers: shares, weights on the grid, Q/DQ, corrected biases."""

from __future__ import annotations

import numpy as np
import pytest

from edgesr.export.graphs.onnx_graph import channel_axis, constant, mac_shares, output_axis, runner, weighted_nodes
from edgesr.export.quantization.bias_correction import correct_biases
from edgesr.export.quantization.quantize_onnx import nodes_in_float, quantize_onnx
from edgesr.export.quantization.ranges import choose_range, collect_histograms, quantizable_tensors
from edgesr.export.quantization.weight_rounding import keep_sums, round_weights
from edgesr.runtimes.bundle.calibrated_quantization import Scope
from tests.export.quantization.planning.layer_kinds import grouped_transposed, linear_layers

TILES = [np.random.default_rng(i).uniform(0, 255, (3, 6, 5)).astype(np.float32) for i in range(2)]


def test_shares_by_hand() -> None:
    """The first has 3*4*2*2 products for each of 6x5 input pixels; the second 4*4 for each of 12x10 rows, in both
    matrices.
    """
    up, matrix = 30 * 48, 120 * 16
    total = up + 2 * matrix
    expected = {"up": up / total, "gemm": matrix / total, "matrix": matrix / total}
    assert mac_shares(linear_layers(), (6, 5)) == pytest.approx(expected)


def test_axes() -> None:
    nodes = {node.name: node for node in weighted_nodes(linear_layers())}
    assert {name: output_axis(node) for name, node in nodes.items()} == {"up": 1, "gemm": 0, "matrix": 1}
    assert {name: channel_axis(node) for name, node in nodes.items()} == {"up": 1, "gemm": -1, "matrix": -1}


def test_sums_are_kept_along_the_output_axis() -> None:
    """Weights (in,out,kh,kw) as those of a convolution with the axes exchanged; a matrix has one tap a kernel."""
    weights = np.random.default_rng(0).normal(size=(5, 4, 3, 3)).astype(np.float32) * [[[[1]], [[9]], [[0.1]], [[3]]]]
    plain = keep_sums(np.moveaxis(weights, 1, 0).astype(np.float32), 64)
    assert np.array_equal(keep_sums(weights.astype(np.float32), 64, 1), np.moveaxis(plain, 0, 1))
    matrix = weights[:, :, 0, 0].astype(np.float32)
    steps = keep_sums(matrix, 64, 1) / (np.abs(matrix).max(axis=0) / 64)
    assert np.abs(steps - np.rint(steps)).max() < 1e-4
    assert np.abs(steps - matrix / (np.abs(matrix).max(axis=0) / 64)).max() <= 0.5001


@pytest.mark.parametrize("scope", ["all", "conv"])
def test_layers_are_quantized_and_products_of_activations_are_not(scope: Scope) -> None:
    model = round_weights(linear_layers(), ["up", "gemm", "matrix"], 64)
    ranges = {
        n: choose_range(h, "minmax") for n, h in collect_histograms(model, quantizable_tensors(model), TILES).items()
    }
    assert {"products", "attended"} <= set(nodes_in_float(model, scope))
    quantized = quantize_onnx(model, ranges, scope=scope)
    sources = {name: node for node in quantized.graph.node for name in node.output}
    products = next(node for node in quantized.graph.node if node.name == "products")
    for node in quantized.graph.node:
        if node.name in ("up", "gemm", "matrix"):
            assert [sources[name].op_type for name in node.input[:2]] == ["DequantizeLinear"] * 2
            assert sources[node.input[1]].input[0].endswith("weight_quantized")
            original = constant(model, f"{node.name}.weight")
            dequantized = runner(quantized, [node.input[1]], exact=True)(TILES[0])[node.input[1]]
            assert np.abs(dequantized - original).max() < 1e-6
    moved = "Transpose" if scope == "conv" else "DequantizeLinear"
    assert [sources[name].op_type for name in products.input] == [moved, "DequantizeLinear"]
    softmax = next(node for node in quantized.graph.node if node.name == "softmax")
    assert sources[softmax.input[0]].name == "products"
    error = runner(quantized, exact=True)(TILES[0])["y"] - runner(model)(TILES[0])["y"]
    assert 0 < np.abs(error).max() < 0.15 * np.ptp(runner(model)(TILES[0])["y"])


def test_biases_of_all_kinds_are_corrected_but_a_matrix_product_has_none() -> None:
    """The Gemm's correction is what was added to its bias; the layer that follows sees none of it."""
    model = linear_layers()

    def shifted(source: object) -> object:
        changed = round_weights(model, [], 64)
        for tensor in changed.graph.initializer:
            if tensor.name == "gemm.bias":
                tensor.raw_data = (constant(model, "gemm.bias") + np.array([0.5, 0, -1, 0], dtype=np.float32)).tobytes()
        return changed

    found = correct_biases(model, shifted, ["up", "gemm", "matrix"], TILES)  # type: ignore[arg-type]
    assert set(found) == {"up", "gemm"}
    assert found["up"] == pytest.approx(constant(model, "up.bias"), abs=1e-5)
    assert found["gemm"] == pytest.approx(constant(model, "gemm.bias") - [0.5, 0, -1, 0], abs=1e-5)


def test_a_transposed_convolution_of_groups_stays_in_float() -> None:
    """Its weights hold the channels of one group, by which its bias cannot be quantized."""
    model = grouped_transposed()
    assert nodes_in_float(model, "conv") == ["up"]
    ranges = {"x": (0.0, 255.0), "a": (-255.0, 255.0), "y": (-255.0, 255.0)}
    quantized = quantize_onnx(model, ranges, scope="conv")
    node = next(node for node in quantized.graph.node if node.name == "up")
    assert list(node.input)[1:] == ["up.weight", "up.bias"]
    assert np.array_equal(runner(quantized, ["y"])(np.zeros((3, 4, 4), np.float32))["y"][0, :, 0, 0], [1, 2, 3])

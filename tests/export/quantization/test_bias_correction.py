"""Bias correction: known mean errors are removed, in order, and nothing else is."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edgesr.export.graphs.onnx_graph import copied, runner
from edgesr.export.quantization.bias_correction import correct_biases
from edgesr.export.quantization.quantize_onnx import quantize_onnx, with_biases
from edgesr.runtimes.arrays import FloatArray
from tests.helpers.small_graphs import conv, kernels, make_graph, pixels

TILES = [pixels((100, 0, 8), (20, 40, 8)), pixels((0, 0, 0), (40, 80, 16))]
# Channel means over both tiles: 40, 30, 8.


def shifted(model: onnx.ModelProto, **errors: FloatArray) -> onnx.ModelProto:
    """A copy with something added to the weights of these layers, as rounding does."""
    result = copied(model)
    for tensor in result.graph.initializer:
        for name, error in errors.items():
            if tensor.name == f"body.{name}.weight":
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) + error, tensor.name))
    return result


def chain() -> onnx.ModelProto:
    """Two convolutions with a LeakyReLU between them that does nothing to positive values."""
    nodes = [conv("a", "x", "a"), helper.make_node("LeakyRelu", ["a"], ["active"], alpha=0.1), conv("b", "active", "y")]
    tensors = {
        "body.a.weight": kernels(np.eye(3)),
        "body.a.bias": [100.0, 200.0, 300.0],
        "body.b.weight": kernels([[1, 1, 0], [0, 1, 0], [0, 0, 2]]),
        "body.b.bias": [1.0, 2.0, 3.0],
    }
    return make_graph(nodes, tensors)


ERROR = kernels([[0.25, 0, 0], [0, 0, -0.5], [0.1, 0.1, 0.1]])


def test_mean_error_is_taken_out_of_the_bias() -> None:
    """The errors' means are 0.25*40, -0.5*8 and 0.1*78."""
    found = correct_biases(chain(), lambda m: shifted(m, a=ERROR), ["conv.a"], TILES)
    assert set(found) == {"conv.a"}
    assert found["conv.a"].dtype == np.float32
    assert found["conv.a"] == pytest.approx([100 - 10, 200 + 4, 300 - 7.8], abs=1e-4)


def test_layers_see_what_corrected_ones_before_them_leave() -> None:
    """The mean error of the first is repaired, so nothing is left for the second; alone it has to repair both."""
    found = correct_biases(chain(), lambda m: shifted(m, a=ERROR), ["conv.b", "conv.a"], TILES)
    assert list(found) == ["conv.a", "conv.b"]
    assert found["conv.b"] == pytest.approx([1, 2, 3], abs=1e-4)
    alone = correct_biases(chain(), lambda m: shifted(m, a=ERROR), ["conv.b"], TILES)
    assert alone["conv.b"] == pytest.approx([1 - (10 - 4), 2 + 4, 3 - 2 * 7.8], abs=1e-4)


def test_no_error_leaves_the_biases() -> None:
    found = correct_biases(chain(), lambda m: m, ["conv.a", "conv.b"], TILES)
    assert found["conv.a"] == pytest.approx([100, 200, 300], abs=1e-4)
    assert found["conv.b"] == pytest.approx([1, 2, 3], abs=1e-4)


def test_quantized_convolution_keeps_its_channel_means_on_the_tiles() -> None:
    """Weights in 7 bits of [1, 0.4/64]: the small one is lost, an error of 0.4/64 times the mean of its channel.

    Uncorrected that is 0.19 and 0.25; corrected, a step of the 32-bit bias is left.
    """
    rows = np.array([[1, 0.4 / 64, 0], [0, 1, 1.6 / 64], [0, 0, 1]])
    tensors = {"body.a.weight": kernels(rows), "body.a.bias": [0.3, -0.2, 0.1]}
    nodes = [conv("a", "x", "a"), helper.make_node("LeakyRelu", ["a"], ["y"], alpha=0.1)]
    model = make_graph(nodes, tensors)

    def quantize(source: onnx.ModelProto) -> onnx.ModelProto:
        return quantize_onnx(source, {"x": (0, 255), "a": (-510, 510)}, scope="conv")

    found = correct_biases(model, quantize, ["conv.a"], TILES)
    assert found["conv.a"] == pytest.approx([0.3 + 0.4 / 64 * 30, -0.2 - 0.4 / 64 * 8, 0.1], abs=0.01)
    expected = channel_means(model, "a")
    before = channel_means(quantize(model), "a")
    after = channel_means(quantize(with_biases(model, found)), "a")
    assert np.abs(before - expected).max() > 0.15
    assert after == pytest.approx(expected, abs=1 / 64 + 1e-3)


def test_a_convolution_without_bias_is_left_alone_or_given_one() -> None:
    node = helper.make_node("Conv", ["x", "body.a.weight"], ["y"], name="conv.a")
    model = make_graph([node], {"body.a.weight": kernels(np.eye(3))})
    found = correct_biases(model, lambda m: shifted(m, a=ERROR), ["conv.a"], TILES)
    if found:
        assert found["conv.a"] == pytest.approx([-10, 4, -7.8], abs=1e-4)
        means = channel_means(shifted(with_biases(model, found), a=ERROR), "y")
        assert means == pytest.approx([40, 30, 8], abs=1e-3)


def channel_means(model: onnx.ModelProto, output: str) -> FloatArray:
    """The channel means of a tensor over all tiles, in exact arithmetic."""
    run = runner(model, [output], exact=True)
    return np.asarray(np.mean([run(tile)[output].mean(axis=(0, 2, 3)) for tile in TILES], axis=0))

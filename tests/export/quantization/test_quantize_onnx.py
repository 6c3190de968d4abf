"""Q/DQ graphs: hand-computed values in exact and in integer arithmetic, grids of weights, layers in float, scopes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgesr.export.graphs.onnx_graph import constant, constants, convolutions, runner, sort_nodes
from edgesr.export.quantization.plan import Range
from edgesr.export.quantization.quantize_onnx import quantize_onnx, quantized_operators, with_biases
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.calibrated_quantization import Scope
from tests.helpers.small_graphs import conv, kernels, make_graph, pixels


def one_convolution() -> onnx.ModelProto:
    """In 7 bits the weights are 64, -32, 1 / 64, 16, 0 / -64, 64, 64 steps of 1/128, 1/64 and 1/256."""
    rows = [[0.5, -0.25, 1 / 128], [1.0, 0.25, 0.0], [-0.25, 0.25, 0.25]]
    tensors = {"body.a.weight": kernels(rows), "body.a.bias": [0.25, -3.0, 10.0]}
    return make_graph([conv("a", "x", "y")], tensors)


ONE_RANGES = {"x": (0.0, 255.0), "y": (-128.0, 127.0)}
IMAGE = pixels((100, 50, 3), (0, 255, 255), (300, -7, 1.4), (2.5, 3.5, 0), (200, 10, 100))
# By hand: the input is rounded (half to even) and clipped to 0..255, the output to -128..127, both in steps of 1.
RESULT = pixels(
    (38, 110, -2),  # 50-12.5+0.0234+0.25=37.77, 100+12.5-3=109.5 (even: 110), -25+12.5+0.75+10=-1.75
    (-62, 61, 127),  # -63.75+1.99+0.25=-61.5 -> -62; 63.75-3=60.75; 63.75+63.75+10=137.5, clipped
    (127, 127, -54),  # 255, 0, 1: 127.76, clipped; 252, clipped; -63.75+0.25+10=-53.5 -> -54
    (0, 0, 10),  # 2, 4, 0: 1-1+0.25; 2+1-3; -0.5+1+10=10.5 -> 10
    (99, 127, -12),  # 100-2.5+0.78+0.25=98.53; 199.5, clipped; -50+2.5+25+10=-12.5 -> -12
)


def weights_in_file(model: onnx.ModelProto) -> dict[str, NDArray[np.int8]]:
    """Integer weights by the name of the float ones."""
    suffix = ".weight_quantized"
    found = {name: numpy_helper.to_array(t) for name, t in constants(model).items() if name.endswith(suffix)}
    return {name.removesuffix("_quantized"): values for name, values in found.items()}


def scales(model: onnx.ModelProto) -> dict[str, float]:
    """Step of every quantized activation; one that is the graph's output has another name before that."""
    known = constants(model)
    nodes = [n for n in model.graph.node if n.op_type == "QuantizeLinear"]
    return {
        n.input[0].removesuffix("_QuantizeLinear_Input"): float(numpy_helper.to_array(known[n.input[1]])) for n in nodes
    }


@pytest.mark.parametrize("exact", [True, False])
def test_every_value_by_hand(exact: bool) -> None:
    model = quantize_onnx(one_convolution(), ONE_RANGES, scope="conv")
    sort_nodes(model)
    onnx.checker.check_model(model)
    assert weights_in_file(model)["body.a.weight"][..., 0, 0].tolist() == [[64, -32, 1], [64, 16, 0], [-64, 64, 64]]
    assert scales(model) == {"x": 1.0, "y": 1.0}
    result = runner(model, exact=exact)(IMAGE)["y"][0]
    ties = np.abs(RESULT - result) == 1  # halves: integer kernels may round their bias first
    assert np.abs(result - RESULT).max() <= (0 if exact else 1)
    assert ties.sum() <= (0 if exact else 2)


def test_fused_and_exact_agree_away_from_halves() -> None:
    image = pixels(*(np.random.default_rng(0).integers(0, 256, (200, 3)) * 2 / 2))
    tensors = {
        "body.a.weight": kernels(np.array([[64, -32, 1], [64, 16, 0], [-64, 64, 64]]) / 512),
        "body.a.bias": [1] * 3,
    }
    model = quantize_onnx(
        make_graph([conv("a", "x", "y")], tensors), {"x": (0, 255), "y": (-63.75, 63.75)}, scope="conv"
    )
    exact, fused = (runner(model, exact=exact)(image)["y"] for exact in (True, False))
    assert np.abs(exact - fused).max() <= 0.2501
    assert (exact != fused).mean() < 0.02


@pytest.mark.parametrize(("reduced", "largest"), [(True, 64), (False, 127)])
def test_grid_of_weights(reduced: bool, largest: int) -> None:
    """With 7 bits no two products of 8 bits and a weight leave 16 bits; with 8 bits they could."""
    rows = np.random.default_rng(0).normal(size=(3, 3)) * [[1], [100], [0.01]]
    tensors = {"body.a.weight": kernels(rows), "body.a.bias": [0] * 3}
    model = make_graph([conv("a", "x", "y")], tensors)
    quantized = quantize_onnx(model, {"x": (0, 255), "y": (-1, 1)}, scope="conv", reduced_range=reduced)
    weights = weights_in_file(quantized)["body.a.weight"]
    assert weights.dtype == np.int8
    assert np.abs(weights.astype(int)).max(axis=(1, 2, 3)).tolist() == [largest] * 3
    assert weights.min() >= -largest
    assert (255 * np.abs(weights.astype(int)).max() * 2 <= 32767) is np.bool_(reduced)


def two_branches() -> onnx.ModelProto:
    """x -> a -> LeakyReLU -> b, b + a -> LeakyReLU -> y."""
    nodes = [
        conv("a", "x", "a", pads=1),
        helper.make_node("LeakyRelu", ["a"], ["active"], name="active", alpha=0.125),
        conv("b", "active", "b"),
        helper.make_node("Add", ["b", "a"], ["sum"], name="sum"),
        helper.make_node("LeakyRelu", ["sum"], ["y"], name="last", alpha=0.5),
    ]
    random = np.random.default_rng(3)
    tensors = {
        "body.a.weight": random.normal(size=(3, 3, 3, 3)),
        "body.a.bias": [1.0, 2.0, 3.0],
        "body.b.weight": kernels(random.normal(size=(3, 3))),
        "body.b.bias": [0.0, 0.0, 0.5],
    }
    return make_graph(nodes, tensors)


def branch_ranges(model: onnx.ModelProto, image: FloatArray) -> dict[str, Range]:
    values = runner(model, ["x", "a", "active", "b", "sum", "y"])(image)
    return {n: (min(float(v.min()), 0.0), max(float(v.max()), 0.0)) for n, v in values.items()}


@pytest.mark.parametrize(
    ("scope", "tensors"), [("conv", {"x", "a", "active", "b"}), ("all", {"x", "a", "active", "b", "sum", "y"})]
)
def test_scopes(scope: Scope, tensors: set[str]) -> None:
    """Convolutions alone: the sum and what follows it are not quantized."""
    model, image = two_branches(), np.random.default_rng(4).uniform(0, 255, (3, 9, 7)).astype(np.float32)
    ranges = branch_ranges(model, image)
    quantized = quantize_onnx(model, ranges, scope=scope)
    assert set(scales(quantized)) == tensors
    assert scales(quantized) == pytest.approx({n: (ranges[n][1] - ranges[n][0]) / 255 for n in tensors}, rel=1e-4)
    kinds = Counter(n.op_type for n in quantized.graph.node)
    assert (kinds["Conv"], kinds["LeakyRelu"], kinds["Add"]) == (2, 2, 1)
    last = next(n for n in quantized.graph.node if "y" in n.output)
    assert last.op_type == ("DequantizeLinear" if scope == "all" else "LeakyRelu")
    error = runner(quantized, exact=True)(image)["y"] - runner(model)(image)["y"]
    assert 0 < np.abs(error).max() < 0.05 * max(ranges["y"][1], -ranges["y"][0])


def test_operators_of_the_scopes() -> None:
    layers = {"Conv", "ConvTranspose", "MatMul", "Gemm"}
    moves = {"Concat", "MaxPool", "Reshape", "Slice", "Split", "Transpose"}
    assert set(quantized_operators("conv")) == layers
    others = {"LeakyRelu", "PRelu", "Relu", "Add", "Pad", "DepthToSpace"}
    assert set(quantized_operators("all")) == layers | moves | others


@pytest.mark.parametrize("scope", ["all", "conv"])
def test_float_layers_keep_their_weights(scope: Scope) -> None:
    model, image = two_branches(), np.random.default_rng(4).uniform(0, 255, (3, 9, 7)).astype(np.float32)
    quantized = quantize_onnx(model, branch_ranges(model, image), scope=scope, float_layers=["conv.b"])
    assert set(weights_in_file(quantized)) == {"body.a.weight"}
    nodes = {n.name: n for n in convolutions(quantized)}
    assert list(nodes["conv.b"].input)[1:] == ["body.b.weight", "body.b.bias"]
    for name in ("body.b.weight", "body.b.bias"):
        assert constants(quantized)[name].SerializeToString() == constants(model)[name].SerializeToString()
    assert nodes["conv.a"].input[1] == "body.a.weight_DequantizeLinear_Output"


@pytest.mark.parametrize("scope", ["all", "conv"])
def test_a_float_layer_keeps_weights_and_bias_that_an_int8_layer_has_too(scope: Scope) -> None:
    model, image = two_branches(), np.random.default_rng(4).uniform(0, 255, (3, 9, 7)).astype(np.float32)
    ranges = branch_ranges(model, image)
    for node in convolutions(model):
        node.input[1:] = ["body.b.weight", "body.b.bias"]
    quantized = quantize_onnx(model, ranges, scope=scope, float_layers=["conv.b"])
    nodes = {n.name: n for n in convolutions(quantized)}
    for name, before in zip(nodes["conv.b"].input[1:], ("body.b.weight", "body.b.bias"), strict=True):
        assert np.array_equal(constant(quantized, name), constant(model, before))
    assert nodes["conv.a"].input[1] == "body.b.weight_DequantizeLinear_Output"


@pytest.mark.parametrize("scope", ["all", "conv"])
def test_outputs_of_convolutions_keep_their_names_before_relu(scope: Scope) -> None:
    """Bias correction reads them: a ReLU must not be merged into the convolution before it."""
    nodes = [conv("a", "x", "a"), helper.make_node("Relu", ["a"], ["active"], name="relu"), conv("b", "active", "b")]
    nodes.append(helper.make_node("Add", ["x", "b"], ["y"], name="sum"))
    identity = {f"body.{n}.{k}": v for n in "ab" for k, v in (("weight", kernels(np.eye(3))), ("bias", [0.0] * 3))}
    ranges = {"x": (0.0, 255.0), "a": (0.0, 255.0), "active": (0.0, 255.0), "b": (0.0, 255.0), "y": (0.0, 510.0)}
    quantized = quantize_onnx(make_graph(nodes, identity), ranges, scope=scope)
    assert [n.output[0] for n in convolutions(quantized)] == ["a", "b"]


def test_16_bit_activations_are_symmetric() -> None:
    model = one_convolution()
    quantized = quantize_onnx(
        model, {"x": (0, 255), "y": (-64, 32)}, scope="conv", reduced_range=False, activation_bits=16
    )
    sort_nodes(quantized)
    onnx.checker.check_model(quantized)
    known = constants(quantized)
    for node in quantized.graph.node:
        if node.op_type == "QuantizeLinear":
            zero = numpy_helper.to_array(known[node.input[2]])
            assert (zero.dtype.name, int(zero), node.domain) == ("int16", 0, "com.microsoft")
    assert scales(quantized) == pytest.approx({"x": 255 / 32767, "y": 64 / 32767}, rel=1e-4)
    weights = weights_in_file(quantized)["body.a.weight"]
    assert (weights.dtype.name, int(np.abs(weights.astype(int)).max())) == ("int8", 127)
    image = np.clip(IMAGE, 0, 60)
    expected = np.clip(runner(model)(image)["y"], -64, 64)
    for exact in (True, False):
        error = np.abs(runner(quantized, exact=exact)(image)["y"] - expected)
        assert error.max() < 60 * 3 * 0.5 / 127  # three weights, each within half a step of at most 1/127


def biases_of(model: onnx.ModelProto) -> list[list[float]]:
    known = constants(model)
    return [numpy_helper.to_array(known[n.input[2]]).tolist() for n in convolutions(model)]


def test_with_biases_replaces_those_of_the_named_layers() -> None:
    model = two_branches()
    changed = with_biases(model, {"conv.b": np.array([7, 8, 9], dtype=np.float32), "unknown": np.zeros(3, np.float32)})
    assert biases_of(changed) == [[1, 2, 3], [7, 8, 9]]
    assert biases_of(model) == [[1, 2, 3], [0, 0, 0.5]]


def test_layers_that_share_a_bias_get_their_own() -> None:
    """Exporters merge constants that are equal."""
    model = two_branches()
    convolutions(model)[1].input[2] = "body.a.bias"
    changed = with_biases(model, {"conv.b": np.array([7, 8, 9], dtype=np.float32)})
    assert biases_of(changed) == [[1, 2, 3], [7, 8, 9]]

"""Layers of every kind are found in a TFLite model by their weights, in the layout of its operators."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from onnx import numpy_helper

from edgesr.export.graphs.onnx_graph import constants, runner
from edgesr.export.graphs.tflite_graph import constant_values, read_tflite, write_tflite
from edgesr.export.quantization.float16 import store_weights_in_float16
from edgesr.export.quantization.tflite.layer_constants import set_biases, set_weights
from edgesr.export.quantization.tflite.layers import TFLiteLayer, find_layers
from edgesr.export.quantization.tflite.quantize import convert_to_float16_weights, quantize_to_int16
from edgesr.runtimes.adapters import tflite
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.quantization.tflite.small_layers import SMALL_LAYERS, SmallLayer

CONVOLUTION = SMALL_LAYERS["convolution"]


def _run(path: Path, image: FloatArray) -> FloatArray:
    """A TFLite file's answer (1,H,W,c) to an image (c,h,w)."""
    return tflite.open(path, RunSettings()).run(np.ascontiguousarray(image.transpose(1, 2, 0))[None])


def in_layout(layer: SmallLayer, weights: FloatArray) -> FloatArray:
    """Weights of the ONNX node as its operator has them."""
    node = next(node for node in layer.graph().graph.node if node.name == "layer")
    return TFLiteLayer(None, layer.kind, node, np.float32(1), None).in_layout(weights)


def model_of(layer: SmallLayer, *, factor: float = 1, shift: float = 0) -> Any:
    bias = np.zeros_like(layer.bias) if layer.operator == "MatMul" else layer.bias
    return layer.model(in_layout(layer, layer.weights) * np.float32(factor), bias + np.float32(shift))


def with_constants(layer: SmallLayer, **values: FloatArray) -> onnx.ModelProto:
    graph = layer.graph()
    for name, array in values.items():
        constants(graph)[f"body.{name}"].CopyFrom(numpy_helper.from_array(array, f"body.{name}"))
    return graph


@pytest.mark.parametrize("layer", SMALL_LAYERS.values(), ids=SMALL_LAYERS)
def test_a_layer_of_every_kind_is_found(layer: SmallLayer) -> None:
    (found,) = find_layers(model_of(layer, factor=-0.25), layer.graph()).values()
    assert (found.kind, found.node.name, found.factor) == (layer.kind, "layer", np.float32(-0.25))
    assert found.shifts is None
    assert find_layers(model_of(layer, shift=2), layer.graph())["layer"].shifts == (2, 2)
    other = layer.weights.copy()
    other.flat[0] += 0.01
    assert not find_layers(model_of(layer), with_constants(layer, weight=other))


@pytest.mark.parametrize("layer", SMALL_LAYERS.values(), ids=SMALL_LAYERS)
def test_layouts_are_those_that_litert_computes_with(layer: SmallLayer, tmp_path: Path) -> None:
    """Weights are not flipped, and channels are where they belong."""
    (tmp_path / "model.tflite").write_bytes(write_tflite(model_of(layer)))
    image = layer.image()
    found = tflite.open(tmp_path / "model.tflite", RunSettings()).run(
        np.ascontiguousarray(image.transpose(1, 2, 0))[None]
    )
    expected = runner(layer.graph())(image)["y"]
    assert found.transpose(0, 3, 1, 2).shape == expected.shape
    assert np.abs(found.transpose(0, 3, 1, 2) - expected).max() < 1e-5


@pytest.mark.parametrize("layer", SMALL_LAYERS.values(), ids=SMALL_LAYERS)
def test_planned_weights_are_carried_over(layer: SmallLayer) -> None:
    model = model_of(layer, factor=2)
    planned = np.rint(layer.weights * 4).astype(np.float32) / np.float32(4)
    set_weights(model, find_layers(model, layer.graph()), with_constants(layer, weight=planned))
    assert np.array_equal(constant_values(model, 2), in_layout(layer, planned) * 2)


def test_layers_with_the_same_weights_keep_their_order() -> None:
    model, graph = model_of(CONVOLUTION), CONVOLUTION.graph()
    first = model.subgraphs[0].operators[0]
    model.subgraphs[0].operators.append(read_tflite(write_tflite(model)).subgraphs[0].operators[0])
    graph.graph.node.append(onnx.helper.make_node("Conv", ["x", "body.weight", "body.bias"], ["z"], name="second"))
    found = find_layers(model, graph)
    assert found["layer"].operator is first and found["second"].operator is model.subgraphs[0].operators[1]


@pytest.mark.parametrize(
    ("factor", "found", "gain"),
    [
        (1, CONVOLUTION.bias, 1),
        (1, CONVOLUTION.bias + 100, 1),
        (0.25, CONVOLUTION.bias, 1),
        (0.25, CONVOLUTION.bias / 4, 0.25),
        (-2, -2 * CONVOLUTION.bias, -2),
        (-2, -2 * CONVOLUTION.bias + 100, None),
    ],
    ids=["nothing", "shift behind", "factor before", "factor behind", "sign behind", "both"],
)
def test_a_change_of_bias_is_carried_over(factor: float, found: FloatArray, gain: float | None) -> None:
    """Changes that the converter folded into a bias stay there; if it does not tell how, the layer is left alone."""
    model = CONVOLUTION.model(in_layout(CONVOLUTION, CONVOLUTION.weights) * np.float32(factor), found)
    graph, planned = CONVOLUTION.graph(), with_constants(CONVOLUTION, bias=CONVOLUTION.bias + np.float32(0.5))
    left = set_biases(model, find_layers(model, graph), graph, planned)
    assert left == (set() if gain is not None else {"layer"})
    assert constant_values(model, 3).tolist() == (found + 0.5 * (gain or 0)).tolist()


def test_a_bias_of_zeros_does_not_tell_where_a_factor_lies() -> None:
    """Before the layer a change of its bias stays, behind it the change is multiplied."""
    zeros = np.zeros_like(CONVOLUTION.bias)
    model = CONVOLUTION.model(in_layout(CONVOLUTION, CONVOLUTION.weights) * np.float32(0.1), zeros)
    graph, planned = with_constants(CONVOLUTION, bias=zeros), with_constants(CONVOLUTION, bias=zeros + np.float32(0.5))
    assert set_biases(model, find_layers(model, graph), graph, planned) == {"layer"}
    assert constant_values(model, 3).tolist() == zeros.tolist()


@pytest.mark.parametrize("name", ["convolution", "depthwise", "transposed", "1x1"])
def test_channels_of_zeros_keep_their_biases_with_16_bit_activations(name: str, tmp_path: Path) -> None:
    layer = SMALL_LAYERS[name]
    weights = layer.weights.copy()
    weights.swapaxes(0, 1 if name == "transposed" else 0)[1] = 0
    graph = with_constants(layer, weight=weights)
    model = layer.model(in_layout(layer, weights), layer.bias)
    quantized = quantize_to_int16(model, graph, {"x": (-2, 2), "y": (-16, 16)})
    assert quantized.float_layers.names == ()
    (tmp_path / "model.tflite").write_bytes(quantized.content)
    image = layer.image()
    found = tflite.open(tmp_path / "model.tflite", RunSettings()).run(
        np.ascontiguousarray(image.transpose(1, 2, 0))[None]
    )
    expected = runner(graph)(image)["y"]
    assert np.abs(found.transpose(0, 3, 1, 2) - expected)[0, 1].max() < 0.01


def test_weights_that_another_tensor_shares_are_not_changed_for_it() -> None:
    """Two tensors of one buffer, the second of which another operator reads."""
    model = model_of(CONVOLUTION)
    graph = model.subgraphs[0]
    graph.tensors.append(copy.copy(graph.tensors[2]))
    other = copy.copy(graph.operators[0])
    other.inputs = [0, len(graph.tensors) - 1, 3]
    graph.operators.append(other)
    planned = np.rint(CONVOLUTION.weights * 4).astype(np.float32) / np.float32(4)
    layers = find_layers(model, CONVOLUTION.graph())
    set_weights(model, layers, with_constants(CONVOLUTION, weight=planned))
    assert np.array_equal(constant_values(model, layers["layer"].weights), in_layout(CONVOLUTION, planned))
    assert np.array_equal(constant_values(model, other.inputs[1]), in_layout(CONVOLUTION, CONVOLUTION.weights))


def test_an_unchanged_bias_is_left_as_it_is() -> None:
    model, graph = model_of(CONVOLUTION, factor=-2, shift=100), CONVOLUTION.graph()
    assert set_biases(model, find_layers(model, graph), graph, graph) == set()
    assert constant_values(model, 3).tolist() == (CONVOLUTION.bias + 100).tolist()


def test_float16_storage_that_overflows_is_refused() -> None:
    large = np.where(CONVOLUTION.weights == CONVOLUTION.weights.max(), np.float32(7e4), CONVOLUTION.weights)
    model = CONVOLUTION.model(in_layout(CONVOLUTION, large), CONVOLUTION.bias)
    with pytest.raises(EdgesrError, match=r"the weights of body reach 7e\+04 and float16 ends at 65504"):
        convert_to_float16_weights(model, with_constants(CONVOLUTION, weight=large))


@pytest.mark.parametrize(("gain", "kept"), [(1, True), (1e-2, True), (1e-6, False)])
def test_weights_too_small_for_float16_stay_float32(gain: float, *, kept: bool) -> None:
    """Below 6e-5 float16 has ever fewer bits, and below 6e-8 none; a file of such layers alone is refused."""
    weights = CONVOLUTION.weights * np.float32(gain)
    model = CONVOLUTION.model(in_layout(CONVOLUTION, weights), CONVOLUTION.bias)
    graph = with_constants(CONVOLUTION, weight=weights)
    types = {tensor.name: tensor.data_type for tensor in store_weights_in_float16(graph).graph.initializer}
    assert (types.get("body.weight") == onnx.TensorProto.FLOAT) is not kept
    if not kept:
        with pytest.raises(EdgesrError, match="none of its layers can be stored in this precision"):
            convert_to_float16_weights(model, graph)
        return
    quantized = convert_to_float16_weights(model, graph)
    assert quantized.float_layers.names == ()
    stored = {tensor.type for tensor in read_tflite(quantized.content).subgraphs[0].tensors}
    assert schema.TensorType.FLOAT16 in stored

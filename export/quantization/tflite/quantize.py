"""Lower-precision TFLite files, made from the float32 one.

fp16, w8, w8d, w8a16   litert-quantizer, on the layers of the tile graph alone
int8                   TensorFlow's MLIR quantizer, with our ranges, weights, biases and choice of layers; layers that
                       stay in float get float16 weights from litert-quantizer

Everything else of a full graph (noise level, projection, clip) stays in float32. So does a layer that is not found in
the file, or whose activations have no ranges there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema

from edgesr.export.calibration.photographs import photograph
from edgesr.export.graphs.depth_to_space import use_dcr_order
from edgesr.export.graphs.onnx_graph import input_channels, layer_names, mac_shares
from edgesr.export.graphs.tflite_graph import computed_inputs, constant_values, operator_name, tensor_name, write_tflite
from edgesr.export.quantization.float16 import LARGEST_FLOAT16, keeps_bits
from edgesr.export.quantization.plan import Plan, Range
from edgesr.export.quantization.planning.application import planned_weights
from edgesr.export.quantization.tflite.layer_constants import set_biases, set_weights
from edgesr.export.quantization.tflite.layers import TFLiteLayer, find_layers
from edgesr.export.quantization.tflite.quantizers import (
    ACTIVATIONS_16BIT,
    FLOAT16,
    LayerRecipe,
    QuantizerJob,
    run_quantizers,
)
from edgesr.export.quantization.tflite.same_values import same_values
from edgesr.export.quantization.tflite.vanishing_channels import keep_biases
from edgesr.export.quantization.weight_rounding import on_8bit_grid
from edgesr.export.records import FloatLayers
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import EdgesrError

# Not PRELU: XNNPACK has it in float alone, and one int8 PRELU splits the delegate (docs/quantization.md).
_INT8_OPERATORS = ("ADD", "DEPTH_TO_SPACE", "LEAKY_RELU", "MIRROR_PAD", "PAD", "RELU")
Layers = Mapping[str, TFLiteLayer]


@dataclass(frozen=True)
class Quantized:
    """A file's content, and the layers that had to stay in float32 whatever was asked."""

    content: bytes
    float_layers: FloatLayers


def convert_to_float16_weights(model: Any, tile_graph: onnx.ModelProto) -> Quantized:
    """A float32 file with the weights of the tile graph's layers in float16."""
    found = find_layers(model, use_dcr_order(tile_graph))
    for name, layer in found.items():
        largest = float(np.abs(constant_values(model, layer.weights)).max())
        if not largest <= LARGEST_FLOAT16:
            raise EdgesrError(
                f"the weights of {layer_names(tile_graph)[name]} reach {largest:.4g} and float16 ends at "
                f"{LARGEST_FLOAT16:g}; export fp32 or w8"
            )
    layers = _fitting_float16(model, found)
    _require_layers(layers)
    return _stored(model, tile_graph, layers, FLOAT16)


def convert_to_8bit_weights(model: Any, tile_graph: onnx.ModelProto, recipe: LayerRecipe) -> Quantized:
    """A float32 file with the weights of the tile graph's layers on the grid of 8 bits; the model is changed."""
    layers = find_layers(model, use_dcr_order(tile_graph))
    _require_layers(layers)
    set_weights(model, layers, use_dcr_order(on_8bit_grid(tile_graph)))
    return _stored(model, tile_graph, layers, recipe)


def quantize_to_int16(model: Any, tile_graph: onnx.ModelProto, ranges: Mapping[str, Range]) -> Quantized:
    """Layers with int8 weights and symmetric int16 activations, from a float32 model, which is changed."""
    graph = use_dcr_order(tile_graph)
    found = find_layers(model, graph)
    known = _ranges(model, graph, ranges, found, [layer.operator for layer in found.values()])
    layers = {name: layer for name, layer in found.items() if _is_ranged(layer, known)}
    _require_layers(layers)
    used = {index for layer in layers.values() for index in (layer.source, layer.output)}
    bounds = {tensor_name(model, index): max(-known[index][0], known[index][1]) for index in used}
    set_weights(model, layers, use_dcr_order(on_8bit_grid(tile_graph)))
    stored = _stored(model, tile_graph, layers, ACTIVATIONS_16BIT, bounds)
    return Quantized(keep_biases(stored.content, model), stored.float_layers)


def quantize_to_int8(model: Any, tile_graph: onnx.ModelProto, plan: Plan) -> Quantized:
    """int8 by a plan for the tile graph, from a float32 model, which is changed; input and output stay float32."""
    graph, planned = (use_dcr_order(g) for g in (tile_graph, planned_weights(tile_graph, plan, reduced_range=False)))
    layers = find_layers(model, graph)
    others = [op for op in _operators(model) if plan.scope == "all" and operator_name(model, op) in _INT8_OPERATORS]
    known = _ranges(model, graph, plan.ranges, layers, [*(layer.operator for layer in layers.values()), *others])
    possible = {name: layer for name, layer in layers.items() if name in plan.float_layers or _is_ranged(layer, known)}
    without_biases = set_biases(model, possible, graph, planned)
    integer = {n: layer for n, layer in possible.items() if n not in plan.float_layers and n not in without_biases}
    _require_layers(integer)
    set_weights(model, integer, planned)
    chosen = [layer.operator for layer in integer.values()]
    chosen += [op for op in others if _tensors(model, [op]) <= set(known)]
    for index in _tensors(model, chosen):
        low, high = known[index]
        model.subgraphs[0].tensors[index].quantization = schema.QuantizationParametersT(min=[low], max=[high])
    halves = _fitting_float16(model, {name: layer for name, layer in layers.items() if name not in integer})
    kept = [op for op in _operators(model) if not any(op is other for other in chosen)]
    job = QuantizerJob(
        kept_in_float=tuple(tensor_name(model, op.outputs[0]) for op in kept),
        layers=_kinds(model, halves),
        recipe=FLOAT16,
    )
    left = _left(model, tile_graph, {*integer, *plan.float_layers})
    return Quantized(run_quantizers(write_tflite(model), job), left)


def _stored(
    model: Any,
    tile_graph: onnx.ModelProto,
    layers: Layers,
    recipe: LayerRecipe,
    bounds: Mapping[str, float] | None = None,
) -> Quantized:
    """The model with layers by a recipe of litert-quantizer."""
    job = QuantizerJob(layers=_kinds(model, layers), recipe=recipe, bounds=dict(bounds or {}))
    return Quantized(run_quantizers(write_tflite(model), job), _left(model, tile_graph, layers))


def _ranges(
    model: Any, graph: onnx.ModelProto, ranges: Mapping[str, Range], layers: Layers, operators: Iterable[Any]
) -> dict[int, Range]:
    """Ranges of the tensors between operators, by index: those of the tile graph's tensors with the same values.

    Where none is the same: that of a layer's node, shifted with its bias, holds behind a fused activation and before a
    crop too, and that of a tensor holds behind its zero padding.
    """
    padded = {int(op.outputs[0]): int(op.inputs[0]) for op in _operators(model) if operator_name(model, op) == "PAD"}
    tensors = _tensors(model, operators)
    tensors |= {padded[index] for index in tensors if index in padded}
    names = [graph.graph.input[0].name, *(name for node in graph.graph.node for name in node.output)]
    image = photograph("cat", _image_size(model))[: input_channels(graph)]
    found = same_values(model, sorted(tensors), graph, [name for name in names if name in ranges], image)
    known = {index: ranges[name] for index, name in found.items()}
    for layer in layers.values():
        if layer.shifts is not None and layer.node.output[0] in ranges:
            (low, high), (down, up) = ranges[layer.node.output[0]], layer.shifts
            known.setdefault(layer.output, (min(low + down, 0.0), max(high + up, 0.0)))
    for index, source in padded.items():
        if source in known:
            known.setdefault(index, known[source])
    return known


def _tensors(model: Any, operators: Iterable[Any]) -> set[int]:
    """Indices of what operators read and write, without constants."""
    return {index for op in operators for index in (*computed_inputs(model, op), int(op.outputs[0]))}


def _is_ranged(layer: TFLiteLayer, known: Mapping[int, Range]) -> bool:
    return layer.source in known and layer.output in known


def _require_layers(layers: Layers) -> None:
    """Raise an EdgesrError where a file would be a float32 one under another name."""
    if not layers:
        raise EdgesrError("none of its layers can be stored in this precision; export fp32")


def _fitting_float16(model: Any, layers: Layers) -> Layers:
    """The layers whose weights keep their bits in float16."""
    weights = {name: constant_values(model, layer.weights) for name, layer in layers.items()}
    fitting = {
        name for name, values in weights.items() if np.abs(values).max() <= LARGEST_FLOAT16 and keeps_bits(values)
    }
    return {name: layer for name, layer in layers.items() if name in fitting}


def _operators(model: Any) -> list[Any]:
    return list(model.subgraphs[0].operators)


def _kinds(model: Any, layers: Layers) -> dict[str, str]:
    return {tensor_name(model, layer.output): layer.kind for layer in layers.values()}


def _left(model: Any, tile_graph: onnx.ModelProto, settled: Collection[str]) -> FloatLayers:
    """The layers whose nodes are not among those ``settled``, with their share of the work at the model's size."""
    left = {node: label for node, label in layer_names(tile_graph).items() if node not in settled}
    shares = mac_shares(tile_graph, _image_size(model)) if left else {}
    return FloatLayers(tuple(left.values()), sum(shares[node] for node in left))


def _image_size(model: Any) -> Size:
    """Height and width (LR pixels) of the image that a model takes."""
    graph = model.subgraphs[0]
    height, width = graph.tensors[graph.inputs[0]].shape[1:3]
    return int(height), int(width)

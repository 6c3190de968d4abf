"""int8 convolutions by our plan, in ncnn's format: weights per output channel, activations per tensor, both symmetric.

A quantized layer has parameter 8; behind its weights (int8) and its bias (float32) come the scales of the weights and
that of its input, each 127 divided by the largest absolute value (ncnn's src/layer/convolution.cpp, load_model).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx

from edgesr.export.graphs.onnx_graph import constant, layer_names, mac_shares, weighted_nodes
from edgesr.export.graphs.operators import CONVOLUTION
from edgesr.export.ncnn.half import with_half_weights
from edgesr.export.ncnn.param_file import ParamLayer
from edgesr.export.ncnn.weights_file import NcnnModel, Rewritten, Stored
from edgesr.export.quantization.plan import LEAST_INT8_SHARE, Plan, Range
from edgesr.export.quantization.weight_rounding import LEVELS_8BIT, keep_sums
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError

_LEVELS = float(LEVELS_8BIT)
_SAME = 1e-5
_OUTPUTS, _BIAS, _GROUPS, _INT8_SCALES = 0, 5, 7, 8
_SCALE_TERMS = {"Convolution": "2", "ConvolutionDepthWise": "1"}
"""Values of parameter 8 that stand for one scale an output channel, or a group of channels, and one for the input."""


def quantize(model: NcnnModel, tile_graph: onnx.ModelProto, plan: Plan) -> Rewritten:
    """The convolutions that a plan of the float32 ONNX tile graph has in int8; all others get float16 weights.

    A layer is the one of the plan that has its weights. ncnn has no int8 transposed convolutions. An EdgesrError where
    less than half of the work would be int8.
    """
    wanted = [node for node in weighted_nodes(tile_graph) if node.name not in plan.float_layers]
    pending = [node for node in wanted if node.op_type == CONVOLUTION]
    done: list[str] = []
    layers, arrays = list(model.layers), list(model.arrays)
    for place, (layer, stored) in enumerate(zip(model.layers, model.arrays, strict=True)):
        node = _node_of(layer, stored, pending, tile_graph)
        if node is None:
            continue
        pending.remove(node)
        done.append(node.name)
        bias = plan.biases_8bit.get(node.name)
        layers[place], arrays[place] = quantized_layer(layer, stored, plan.ranges[node.input[0]], bias)
    shares, names = mac_shares(tile_graph), layer_names(tile_graph)
    share = sum(shares[name] for name in done)
    left = tuple(names[node.name] for node in wanted if node.name not in done)
    if share < LEAST_INT8_SHARE:
        raise EdgesrError(f"{share:.0%} of the work would be int8 in ncnn: {', '.join(left)} have no int8 form there")
    return Rewritten(with_half_weights(NcnnModel(tuple(layers), tuple(arrays))), left, share)


def quantized_layer(
    layer: ParamLayer, stored: tuple[Stored, ...], values: Range, bias: FloatArray | None
) -> tuple[ParamLayer, tuple[Stored, ...]]:
    """A convolution in int8, whose input has ``values`` between two ends; ``bias`` (c,) instead of its own."""
    outputs = layer.number(_OUTPUTS)
    groups = layer.number(_GROUPS, 1) if layer.kind == "ConvolutionDepthWise" else outputs
    weights = stored[0].values.astype(np.float32)
    by_scale = weights.reshape(groups, -1)
    scales = _scales(np.abs(by_scale).max(axis=1))
    taps = weights.reshape(outputs, -1, int(np.prod(_kernel_size(layer))))
    per_output = np.repeat(scales, outputs // groups)[:, None, None]
    rounded = keep_sums(taps, LEVELS_8BIT) if groups == outputs else taps
    integers = np.clip(np.rint(rounded * per_output), -_LEVELS, _LEVELS).astype(np.int8)
    own = stored[1].values if len(stored) > 1 else np.zeros(outputs, dtype=np.float32)
    low, high = values
    return replace(
        layer, parameters={**layer.parameters, _BIAS: "1", _INT8_SCALES: _SCALE_TERMS[layer.kind]}
    ), (
        Stored(integers.ravel(), typed=True),
        Stored((own if bias is None else bias).astype(np.float32)),
        Stored(scales),
        Stored(_scales(np.array([max(-low, high)]))),
    )


def _scales(largest: FloatArray) -> FloatArray:
    """127 divided by the largest values (n,); 1 where there are zeros alone."""
    result: FloatArray = np.where(largest > 0, _LEVELS / np.where(largest > 0, largest, 1), 1).astype(np.float32)
    return result


def _kernel_size(layer: ParamLayer) -> tuple[int, int]:
    width = layer.number(1)
    return layer.number(11, width), width


def _node_of(
    layer: ParamLayer, stored: tuple[Stored, ...], nodes: list[onnx.NodeProto], graph: onnx.ModelProto
) -> onnx.NodeProto | None:
    """The first of the nodes that has a layer's weights."""
    if layer.kind not in _SCALE_TERMS:
        return None
    weights = stored[0].values
    for node in nodes:
        others = constant(graph, node.input[1]).ravel()
        if others.shape == weights.shape and np.abs(others - weights).max() <= _SAME * np.abs(weights).max():
            return node
    return None

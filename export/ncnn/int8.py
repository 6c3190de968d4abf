"""int8 convolutions by our plan, in ncnn's format: weights per output channel, activations per tensor, both symmetric.

A quantized layer has parameter 8; behind its weights (int8) and its bias (float32) come the scales of the weights and
that of its input, each 127 divided by the largest absolute value (ncnn's src/layer/convolution.cpp, load_model).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx

from edgesr.export.calibration.photographs import photograph
from edgesr.export.graphs.matching.proportion import SAME_VALUES, SAME_WEIGHTS, factor_of, may_be_same, sample_of
from edgesr.export.graphs.onnx_graph import (
    constant,
    input_channels,
    layer_names,
    mac_shares,
    runner,
    weighted_nodes,
)
from edgesr.export.graphs.operators import CONVOLUTION
from edgesr.export.ncnn.half import with_half_weights
from edgesr.export.ncnn.param_file import ParamLayer
from edgesr.export.ncnn.run import tensors_of
from edgesr.export.ncnn.weights_file import NcnnModel, Rewritten, Stored, read_model
from edgesr.export.quantization.plan import LEAST_INT8_SHARE, Plan, Range
from edgesr.export.quantization.weight_rounding import LEVELS_8BIT, keep_sums
from edgesr.export.records import FloatLayers
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import EdgesrError

_LEVELS = float(LEVELS_8BIT)
_OUTPUTS, _BIAS, _GROUPS, _INT8_SCALES = 0, 5, 7, 8
_SCALE_TERMS = {"Convolution": "2", "ConvolutionDepthWise": "1"}
"""Values of parameter 8 that stand for one scale an output channel, or a group of channels, and one for the input."""


@dataclass(frozen=True)
class _Pair:
    """A convolution of ncnn by its place, and the same one of the ONNX graph, whose constants may be in other places:
    ``weights`` and ``values`` (of the input) are ncnn's divided by those of ONNX.
    """

    place: int
    node: onnx.NodeProto
    weights: float
    values: float = 1.0


def quantize(source: Path, tile_graph: onnx.ModelProto, plan: Plan, size: Size) -> Rewritten:
    """The convolutions of a float32 model that a plan of the float32 ONNX tile graph has in int8.

    All others get float16 weights. A layer is the one of the plan that has its weights and, at an LR ``size`` that both
    graphs take, the values of its input. ncnn has no int8 transposed convolutions. Raises an EdgesrError where less
    than half of the work would be int8.
    """
    model = read_model(source)
    wanted = [node for node in weighted_nodes(tile_graph) if node.name not in plan.float_layers]
    pairs = _with_same_inputs(source, model, tile_graph, size, _with_same_weights(model, wanted, tile_graph))
    layers, arrays = list(model.layers), list(model.arrays)
    for pair in pairs:
        low, high = (end * pair.values for end in plan.ranges[pair.node.input[0]])
        bias = plan.biases_8bit.get(pair.node.name)
        own_bias = None if bias is None else bias * np.float32(pair.weights * pair.values)
        place = pair.place
        layers[place], arrays[place] = quantized_layer(layers[place], arrays[place], (low, high), own_bias)
    done = {pair.node.name for pair in pairs}
    shares, names = mac_shares(tile_graph, size), layer_names(tile_graph)
    left = [node for node in wanted if node.name not in done]
    share = sum(shares[name] for name in done)
    float_layers = FloatLayers(
        names=tuple(names[node.name] for node in left),
        mac_share=sum(shares[node.name] for node in left),
        measured=False,
    )
    if share < LEAST_INT8_SHARE:
        raise EdgesrError(f"{share:.0%} of the work would be int8 in ncnn: {_why_left(left, names)}; leave int8 out")
    return Rewritten(with_half_weights(NcnnModel(tuple(layers), tuple(arrays))), float_layers)


def quantized_layer(
    layer: ParamLayer, stored: tuple[Stored, ...], values: Range, bias: FloatArray | None
) -> tuple[ParamLayer, tuple[Stored, ...]]:
    """A convolution in int8, whose input has ``values`` between two ends; ``bias`` (c,) instead of its own."""
    outputs = layer.number(_OUTPUTS)
    groups = layer.number(_GROUPS, 1) if layer.kind == "ConvolutionDepthWise" else outputs
    weights = stored[0].values.astype(np.float32)
    scales = _scales(np.abs(weights.reshape(groups, -1)).max(axis=1))
    taps = weights.reshape(outputs, -1, layer.number(11, layer.number(1)) * layer.number(1))
    rounded = keep_sums(taps, LEVELS_8BIT) if groups == outputs else taps
    per_output = np.repeat(scales, outputs // groups)[:, None, None]
    integers = np.clip(np.rint(rounded * per_output), -_LEVELS, _LEVELS).astype(np.int8)
    own = stored[1].values if len(stored) > 1 else np.zeros(outputs, dtype=np.float32)
    parameters = {**layer.parameters, _BIAS: "1", _INT8_SCALES: _SCALE_TERMS[layer.kind]}
    return replace(layer, parameters=parameters), (
        Stored(integers.ravel(), typed=True),
        Stored((own if bias is None else bias).astype(np.float32)),
        Stored(scales),
        Stored(_scales(np.array([max(-values[0], values[1])]))),
    )


def _scales(largest: FloatArray) -> FloatArray:
    """127 divided by the largest values (n,); 1 where there are zeros alone."""
    result: FloatArray = np.where(largest > 0, _LEVELS / np.where(largest > 0, largest, 1), 1).astype(np.float32)
    return result


def _why_left(left: list[onnx.NodeProto], names: dict[str, str]) -> str:
    """The reasons why layers of the plan stay in float: their kind, or that none of ncnn's layers is the same."""
    others = [names[node.name] for node in left if node.op_type != CONVOLUTION]
    lost = [names[node.name] for node in left if node.op_type == CONVOLUTION]
    reasons = (
        f"it has no int8 form of {', '.join(others)}" if others else "",
        f"not found again in pnnx's file: {', '.join(lost)}" if lost else "",
    )
    return "; ".join(filter(None, reasons))


def _with_same_weights(model: NcnnModel, nodes: list[onnx.NodeProto], graph: onnx.ModelProto) -> list[_Pair]:
    """All pairs of convolutions of both graphs that have the same weights but for a factor, in order."""
    wanted = [(node, constant(graph, node.input[1])) for node in nodes if node.op_type == CONVOLUTION]
    samples = [sample_of(weights) for _, weights in wanted]
    found = []
    for place, (layer, stored) in enumerate(zip(model.layers, model.arrays, strict=True)):
        if layer.kind not in _SCALE_TERMS:
            continue
        own = stored[0].values.astype(np.float32)
        sample = sample_of(own)
        for (node, weights), other in zip(wanted, samples, strict=True):
            if own.size == weights.size and may_be_same(sample, other):
                factor = factor_of(own, weights, SAME_WEIGHTS)
                if factor is not None:
                    found.append(_Pair(place, node, factor))
    return found


def _with_same_inputs(
    source: Path, model: NcnnModel, graph: onnx.ModelProto, size: Size, pairs: list[_Pair]
) -> list[_Pair]:
    """The layers whose inputs have the same values but for a factor, on a photograph; each layer and each node once."""
    image = photograph("cat", size)[: input_channels(graph)]
    names = {pair.place: model.layers[pair.place].inputs[0] for pair in pairs}
    found = tensors_of(source, image, list(dict.fromkeys(names.values())))
    expected = runner(graph, list(dict.fromkeys(pair.node.input[0] for pair in pairs)))(image)
    chosen: dict[int, _Pair] = {}
    for pair in pairs:
        if pair.place not in chosen and all(pair.node.name != other.node.name for other in chosen.values()):
            factor = factor_of(found[names[pair.place]], expected[pair.node.input[0]], SAME_VALUES)
            if factor is not None:
                chosen[pair.place] = replace(pair, values=factor)
    return list(chosen.values())

"""Bias correction: the mean error that quantization leaves in a layer's output is taken out of its bias.

Nagel et al., arXiv 1906.04721, section 4.2, with the means measured on tiles. It repairs shifts of colour and
brightness; PSNR gains little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import onnx

from edgesr.export.graphs.onnx_graph import channel_axis, constant, runner, weighted_nodes
from edgesr.export.graphs.operators import MATRIX_PRODUCT, WEIGHTED
from edgesr.export.quantization.planning.stepwise import Stepwise
from edgesr.runtimes.arrays import FloatArray


def correct_biases(
    model: onnx.ModelProto,
    quantize: Callable[[onnx.ModelProto], onnx.ModelProto],
    layers: Iterable[str],
    tiles: Sequence[FloatArray],
) -> dict[str, FloatArray]:
    """Corrected bias (c,) of the layers named in ``layers``, by node name; matrix products have none.

    ``quantize`` gives the Q/DQ form of the float model; outputs of its layers keep their names. From the first layer
    to the last: each sees the errors that the corrected ones before it leave, with biases as they are rounded.
    """
    wanted = set(layers)
    nodes = [n for n in weighted_nodes(model) if n.name in wanted and n.op_type != MATRIX_PRODUCT]
    expected = _channel_means(model, nodes, tiles)
    quantized = quantize(model)
    steps, bias_steps = Stepwise(quantized, tiles), _bias_steps(quantized)
    biases: dict[str, FloatArray] = {}
    inputs = {node.name: node.input[0] for node in quantized.graph.node}
    for node in nodes:
        steps.run_to(inputs[node.name])
        found = np.mean([_means(node, values) for values in steps.peek(node.output[0])], axis=0)
        error = (found - expected[node.output[0]]).astype(np.float32)
        before = constant(model, node.input[2]) if len(node.input) > 2 else np.zeros_like(error)
        biases[node.name] = (before - error).astype(np.float32)
        step = bias_steps.get(node.name)
        steps.set_bias(node.name, biases[node.name] if step is None else _rounded(biases[node.name], step))
    return biases


def _bias_steps(quantized: onnx.ModelProto) -> dict[str, FloatArray]:
    """The step (c,) of every bias that is quantized, by the name of its layer."""
    sources = {node.output[0]: node for node in quantized.graph.node if node.op_type == "DequantizeLinear"}
    layers = [n for n in quantized.graph.node if n.op_type in WEIGHTED and len(n.input) > 2 and n.input[2] in sources]
    return {node.name: constant(quantized, sources[node.input[2]].input[1]) for node in layers}


def _rounded(bias: FloatArray, step: FloatArray) -> FloatArray:
    result: FloatArray = np.rint(bias / step) * step
    return result


def _channel_means(
    model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], tiles: Sequence[FloatArray]
) -> dict[str, FloatArray]:
    run = runner(model, [node.output[0] for node in nodes])
    totals = [{node.output[0]: _means(node, found[node.output[0]]) for node in nodes} for found in map(run, tiles)]
    return {node.output[0]: np.mean([total[node.output[0]] for total in totals], axis=0) for node in nodes}


def _means(node: onnx.NodeProto, values: FloatArray) -> FloatArray:
    """The means of each channel of a layer's output (c,)."""
    by_channel: FloatArray = np.moveaxis(values, channel_axis(node), 0)
    means: FloatArray = by_channel.reshape(len(by_channel), -1).mean(axis=1)
    return means

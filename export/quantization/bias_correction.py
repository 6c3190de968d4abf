"""Bias correction: the mean error that quantization leaves in a layer's output is taken out of its bias.

Nagel et al., arXiv 1906.04721, section 4.2, with the means measured on tiles. It repairs shifts of colour and
brightness; PSNR gains little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import onnx

from edgesr.export.graphs.onnx_graph import channel_axis, constant, runner, weighted_nodes
from edgesr.export.graphs.operators import MATRIX_PRODUCT
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
    to the last: each sees the errors that the corrected ones before it leave.
    """
    wanted = set(layers)
    nodes = [n for n in weighted_nodes(model) if n.name in wanted and n.op_type != MATRIX_PRODUCT]
    expected = _channel_means(model, nodes, tiles)
    quantized = Stepwise(quantize(model), tiles)
    biases: dict[str, FloatArray] = {}
    for node in nodes:
        output = node.output[0]
        found = np.mean([_means(node, values) for values in quantized.run_to(output)], axis=0)
        error = (found - expected[output]).astype(np.float32)
        quantized.add(output, -error[:, None, None] if channel_axis(node) == 1 else -error)
        before = constant(model, node.input[2]) if len(node.input) > 2 else np.zeros_like(error)
        biases[node.name] = (before - error).astype(np.float32)
    return biases


def _channel_means(
    model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], tiles: Sequence[FloatArray]
) -> dict[str, FloatArray]:
    run = runner(model, [node.output[0] for node in nodes])
    totals = [{node.output[0]: _means(node, found[node.output[0]]) for node in nodes} for found in map(run, tiles)]
    return {node.output[0]: np.mean([total[node.output[0]] for total in totals], axis=0) for node in nodes}


def _means(node: onnx.NodeProto, values: FloatArray) -> FloatArray:
    """Of each channel of a layer's output (c,)."""
    by_channel: FloatArray = np.moveaxis(values, channel_axis(node), 0)
    means: FloatArray = by_channel.reshape(len(by_channel), -1).mean(axis=1)
    return means

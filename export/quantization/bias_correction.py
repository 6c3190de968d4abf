"""Bias correction: the mean error that quantization leaves in a convolution's output is taken out of its bias.

Nagel et al., arXiv 1906.04721, section 4.2, with the means measured on tiles. It repairs shifts of colour and
brightness; PSNR gains little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import onnx

from edgesr.export.graphs.onnx_graph import constant, runner, weighted_nodes
from edgesr.export.quantization.quantize_onnx import with_biases
from edgesr.runtimes.arrays import FloatArray


def correct_biases(
    model: onnx.ModelProto,
    quantize: Callable[[onnx.ModelProto], onnx.ModelProto],
    layers: Iterable[str],
    tiles: Sequence[FloatArray],
) -> dict[str, FloatArray]:
    """Corrected bias (c,) of the convolutions named in ``layers``, by node name.

    ``quantize`` gives the Q/DQ form of the float model, or of a copy with other biases; outputs of its convolutions
    keep their names. From the first layer to the last: each sees the errors that the corrected ones before it leave.
    """
    wanted = set(layers)
    nodes = [node for node in weighted_nodes(model) if node.name in wanted]
    outputs = [node.output[0] for node in nodes]
    expected = _channel_means(model, outputs, tiles, exact=False)
    biases: dict[str, FloatArray] = {}
    for node in nodes:
        output = node.output[0]
        error = _channel_means(quantize(with_biases(model, biases)), [output], tiles, exact=True)[output]
        error = error - expected[output]
        before = constant(model, node.input[2]) if len(node.input) > 2 else np.zeros_like(error)
        biases[node.name] = (before - error).astype(np.float32)
    return biases


def _channel_means(
    model: onnx.ModelProto, outputs: Sequence[str], tiles: Sequence[FloatArray], *, exact: bool
) -> dict[str, FloatArray]:
    run = runner(model, outputs, exact=exact)
    totals = [{name: values.mean(axis=(0, 2, 3)) for name, values in run(tile).items()} for tile in tiles]
    return {name: np.mean([total[name] for total in totals], axis=0) for name in outputs}

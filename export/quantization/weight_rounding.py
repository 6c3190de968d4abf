"""Weights on the int8 grid, rounded so that the sum of every kernel's taps is kept.

Rounding each tap to the nearest leaves the sum of a kernel's taps off by half a step for each root of its taps: a gain
error at zero frequency, which is a shift of colour that depends on the image. Here as many taps are rounded the other
way, those nearest to it, as bring the sum within half a step. Published x4 weights, 7 bits: the largest channel-mean
shift of ten tiles falls from 0.97 to 0.20 grey levels and PSNR gains 0.4 dB (docs/quantization.md).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from edgesr.export.graphs.onnx_graph import constants, output_axis, weighted_nodes
from edgesr.export.quantization.own_constants import with_own_constants

LEVELS_7BIT = 64
LEVELS_8BIT = 127


def keep_sums(weights: NDArray[np.float32], levels: int, axis: int = 0) -> NDArray[np.float32]:
    """Weights, whose output channels are on ``axis``, on the grid of each one's largest weight / ``levels``.

    Those of convolutions are (out,in,kh,kw) with axis 0, of transposed ones (in,out,kh,kw) with axis 1; matrices are
    kernels of one tap. A quantizer that rounds to that grid, as onnxruntime's and TensorFlow's do, keeps them as they
    are.
    """
    by_output = np.moveaxis(weights, axis, 0)
    outputs, inputs = by_output.shape[:2]
    scale = np.abs(by_output.reshape(outputs, 1, -1)).max(axis=-1, keepdims=True).astype(np.float64) / levels
    scale[scale == 0] = 1.0
    exact = by_output.reshape(outputs, inputs, -1) / scale
    nearest = np.rint(exact)
    error = exact - nearest
    surplus = np.rint(error.sum(axis=-1, keepdims=True))
    rank = np.argsort(np.argsort(-error, axis=-1, kind="stable"), axis=-1, kind="stable")
    upward = rank < surplus
    downward = exact.shape[-1] - 1 - rank < -surplus
    rounded = np.clip(nearest + upward - downward.astype(np.float64), -levels, levels) * scale
    result = np.moveaxis(rounded.astype(np.float32).reshape(by_output.shape), 0, axis)
    return np.ascontiguousarray(result)


def on_8bit_grid(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a float model in which all layers have their weights on the grid of 8 bits."""
    return round_weights(model, [node.name for node in weighted_nodes(model)], LEVELS_8BIT)


def round_weights(model: onnx.ModelProto, layers: Iterable[str], levels: int) -> onnx.ModelProto:
    """A copy of a float model in which the layers of these node names have their weights on the grid.

    What reads the same weights and is no such layer keeps them as they are.
    """
    wanted = set(layers)
    result = with_own_constants(model, wanted)
    tensors = constants(result)
    for node in weighted_nodes(result):
        if node.name in wanted:
            tensor = tensors[node.input[1]]
            rounded = keep_sums(numpy_helper.to_array(tensor), levels, output_axis(node))
            tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))
    return result

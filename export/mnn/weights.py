"""Weights of float32 MNN files, prepared for MNN's converter, whose own rounding loses more than need be.

To float16 it cuts digits off, weights and constants: 10 dB less than the nearest numbers have. Its 8 bits move the
colours of the published network by more than its tolerance: weights that lie on the grid already stay as they are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgesr.export.mnn.model_file import CONVOLUTIONS, MnnOperator, convolution_of, floats_of, read_content
from edgesr.export.quantization.weight_rounding import LEVELS_8BIT, keep_sums
from edgesr.runtimes.arrays import FloatArray


def on_half_grid(file: Path) -> bytes:
    """The content of a file with the nearest float16 numbers in place of weights and constants."""
    content, operators = read_content(file)
    for operator in operators:
        values = _floats(content, operator)
        values[:] = values.astype(np.float16)
    return bytes(content)


def on_8bit_grid(file: Path) -> bytes:
    """The content of a file with the weights of convolutions on the grid of 8 bits of each output channel."""
    content, operators = read_content(file)
    for operator in operators:
        values, convolution = _floats(content, operator), convolution_of(operator)
        if convolution is not None and operator.kind in CONVOLUTIONS and values.size:
            kernels = values.reshape(convolution.channels[0], -1, *convolution.kernel)
            values[:] = keep_sums(kernels, LEVELS_8BIT).ravel()
    return bytes(content)


def _floats(content: bytearray, operator: MnnOperator) -> FloatArray:
    """The float32 numbers of an operator in a content, which change with them."""
    place = floats_of(operator)
    return np.frombuffer(content, dtype="<f4", count=place.count, offset=place.begin)

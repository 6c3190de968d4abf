"""Convolutions with int16 activations keep the biases of channels whose weights are all zero, or next to nothing.

A bias is stored in steps of input scale times weight scale. litert-quantizer gives all-zero weights a scale of 1e-9
divided by 127, then cuts the bias off at 32 bits; LiteRT multiplies sums by less than 2**-31, which it takes as 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgesr.export.graphs.tflite_graph import constant_values, operator_name, read_tflite, write_tflite

_LEAST_MULTIPLIER = 2.0**-16
"""Of a channel's sums: its bias has finer steps than an int16 output, and fits into 32 bits."""


def keep_biases(content: bytes, source: Any) -> bytes:
    """A quantized TFLite file in which no channel of a convolution has a smaller multiplier; biases of the float model.

    File and model have the same convolutions in the same order.
    """
    model = read_tflite(content)
    for operator, original in zip(_convolutions(model), _convolutions(source), strict=True):
        if _has_integer_bias(model, operator):
            _widen(model, operator, constant_values(source, original.inputs[2]))
    return write_tflite(model)


def _convolutions(model: Any) -> list[Any]:
    return [op for op in model.subgraphs[0].operators if operator_name(model, op) == "CONV_2D"]


def _has_integer_bias(model: Any, operator: Any) -> bool:
    bias = int(operator.inputs[2]) if len(operator.inputs) > 2 else -1
    return bias >= 0 and model.subgraphs[0].tensors[bias].type == schema.TensorType.INT64


def _widen(model: Any, operator: Any, biases: NDArray[np.float32]) -> None:
    tensors = model.subgraphs[0].tensors
    source, weights, bias = (tensors[int(i)] for i in operator.inputs[:3])
    input_scale = float(source.quantization.scale[0])
    scales = np.asarray(weights.quantization.scale, dtype=np.float64)
    least = _LEAST_MULTIPLIER * float(tensors[int(operator.outputs[0])].quantization.scale[0]) / input_scale
    vanishing = scales < least
    if not vanishing.any():
        return
    widened = np.where(vanishing, least, scales)
    steps = np.asarray(model.buffers[weights.buffer].data, dtype=np.uint8).view(np.int8).reshape(len(scales), -1)
    stored = np.asarray(model.buffers[bias.buffer].data, dtype=np.uint8).view("<i8")
    _store(model, weights, np.rint(steps * (scales / widened)[:, np.newaxis]).astype(np.int8))
    _store(model, bias, np.where(vanishing, np.rint(biases / (least * input_scale)).astype("<i8"), stored))
    weights.quantization.scale = widened.astype(np.float32)
    bias.quantization.scale = (widened * input_scale).astype(np.float32)


def _store(model: Any, tensor: Any, values: NDArray[Any]) -> None:
    model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), dtype=np.uint8)

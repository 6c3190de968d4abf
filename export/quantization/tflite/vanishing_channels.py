"""Layers with int16 activations keep the biases of channels whose weights are all zero, or next to nothing.

A bias is stored in steps of input scale times weight scale. litert-quantizer gives all-zero weights a scale of 1e-9
divided by 127, then cuts the bias off at 32 bits; LiteRT multiplies sums by less than 2**-31, which it takes as 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgesr.export.graphs.tflite_graph import constant_values, operator_name, read_tflite, write_tflite
from edgesr.export.quantization.tflite.layers import KINDS, bias_place, source_place

_LEAST_MULTIPLIER = 2.0**-16
"""Of a channel's sums: its bias has finer steps than an int16 output, and fits into 32 bits."""


def keep_biases(content: bytes, source: Any) -> bytes:
    """A quantized TFLite file in which no channel of a layer has a smaller multiplier; biases of the float model.

    File and model have the same layers in the same order.
    """
    model = read_tflite(content)
    for (operator, kind), (original, _) in zip(_layers(model), _layers(source), strict=True):
        place = bias_place(operator, kind)
        if place is not None and _is_integer(model, int(operator.inputs[place])):
            read = int(operator.inputs[source_place(kind)])
            _widen(model, operator, read, place, constant_values(source, int(original.inputs[place])))
    return write_tflite(model)


def _layers(model: Any) -> list[tuple[Any, str]]:
    named = ((operator, operator_name(model, operator)) for operator in model.subgraphs[0].operators)
    return [(operator, kind) for operator, kind in named if kind in KINDS]


def _is_integer(model: Any, bias: int) -> bool:
    return bool(model.subgraphs[0].tensors[bias].type == schema.TensorType.INT64)


def _widen(model: Any, operator: Any, read: int, bias_place: int, biases: NDArray[np.float32]) -> None:
    tensors = model.subgraphs[0].tensors
    source, weights, bias = (tensors[i] for i in (read, int(operator.inputs[1]), int(operator.inputs[bias_place])))
    input_scale = float(source.quantization.scale[0])
    scales = np.asarray(weights.quantization.scale, dtype=np.float64)
    least = _LEAST_MULTIPLIER * float(tensors[int(operator.outputs[0])].quantization.scale[0]) / input_scale
    vanishing = scales < least
    if not vanishing.any():
        return
    widened = np.where(vanishing, least, scales)
    steps = np.asarray(model.buffers[weights.buffer].data, dtype=np.uint8).view(np.int8).reshape(weights.shape)
    sides = np.ones(len(weights.shape), dtype=int)
    sides[weights.quantization.quantizedDimension] = len(scales)
    stored = np.asarray(model.buffers[bias.buffer].data, dtype=np.uint8).view("<i8")
    _store(model, weights, np.rint(steps * (scales / widened).reshape(sides)).astype(np.int8))
    _store(model, bias, np.where(vanishing, np.rint(biases / (least * input_scale)).astype("<i8"), stored))
    weights.quantization.scale = widened.astype(np.float32)
    bias.quantization.scale = (widened * input_scale).astype(np.float32)


def _store(model: Any, tensor: Any, values: NDArray[Any]) -> None:
    model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), dtype=np.uint8)

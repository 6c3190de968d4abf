"""Weights and biases of a plan in the layers of a TFLite model, with what the converter folded into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx

from edgesr.export.graphs.onnx_graph import constant, weighted_nodes
from edgesr.export.graphs.tflite_graph import constant_values, set_constant
from edgesr.export.quantization.tflite.layers import TFLiteLayer
from edgesr.runtimes.arrays import FloatArray

_SAME = 1e-5


def set_weights(model: Any, layers: Mapping[str, TFLiteLayer], planned: onnx.ModelProto) -> None:
    """Give layers, by node name, the weights of the ``planned`` tile graph, its DepthToSpace in DCR order."""
    for node in weighted_nodes(planned):
        if node.name in layers:
            layer = layers[node.name]
            weights = layer.in_layout(constant(planned, node.input[1])) * layer.factor
            set_constant(model, layer.operator, 1, weights.astype(np.float32))


def set_biases(
    model: Any, layers: Mapping[str, TFLiteLayer], graph: onnx.ModelProto, planned: onnx.ModelProto
) -> set[str]:
    """Change the biases of layers as the plan changes them; names of the layers whose biases cannot be changed.

    Both tile graphs have their DepthToSpace in DCR order. A shift that the converter folded into a bias stays.
    """
    before = {node.name: node for node in weighted_nodes(graph)}
    left = set()
    for node in weighted_nodes(planned):
        if node.name not in layers or len(node.input) < 3:
            continue
        bias = constant(planned, node.input[2])
        original = constant(graph, before[node.name].input[2]) if len(before[node.name].input) > 2 else bias * 0
        if not np.array_equal(bias, original) and not _changed(model, layers[node.name], original, bias - original):
            left.add(node.name)
    return left


def _changed(model: Any, layer: TFLiteLayer, original: FloatArray, change: FloatArray) -> bool:
    """Whether a bias could be changed: one that carries both a factor and a shift does not tell either."""
    place = layer.bias_place
    if place is None:
        return False
    found = constant_values(model, int(layer.operator.inputs[place]))
    gain = _gain(found, original, layer.factor)
    if gain is None:
        return False
    set_constant(model, layer.operator, place, (found + change * gain).astype(np.float32))
    return True


def _gain(found: FloatArray, original: FloatArray, factor: np.float32) -> np.float32 | None:
    """The factor by which a bias was multiplied: 1 if the factor lies before the layer, or if there is only a shift.

    None where it carries both, or is 0, which any factor leaves as it is.
    """
    if abs(factor - 1) <= _SAME:
        return np.float32(1)
    fitting = [
        gain
        for gain in (np.float32(1), factor)
        if np.abs(found - original * gain).max() <= _SAME * max(np.abs(found).max(), np.abs(original * gain).max())
    ]
    return fitting[0] if len(fitting) == 1 else None

"""The layers of an ONNX tile graph inside a float32 TFLite model, of that graph or of a full graph around it.

A layer is found by its weights, whatever lies between it and the next one: a converter folds factors into weights and
sums into biases, fuses activations and leaves out nodes, but keeps the order of layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgesr.export.graphs.onnx_graph import constant, output_axis, weighted_nodes
from edgesr.export.graphs.operators import TRANSPOSED_CONVOLUTION
from edgesr.export.graphs.tflite_graph import constant_values, holds_constant, operator_name
from edgesr.runtimes.arrays import FloatArray

_SAME = 1e-5
_TRANSPOSED = "TRANSPOSE_CONV"
_OUTPUT_MAJOR = ("CONV_2D", _TRANSPOSED)
KINDS = (*_OUTPUT_MAJOR, "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True)
class TFLiteLayer:
    """An operator with the weights of a node: those of ``node`` in the operator's layout, times ``factor``.

    ``shifts``: least and largest of what its bias (o,) is more than the node's; None where the factor is not 1.
    """

    operator: Any
    kind: str
    node: onnx.NodeProto
    factor: np.float32
    shifts: tuple[float, float] | None

    @property
    def source(self) -> int:
        """Index of the tensor that it reads."""
        return int(self.operator.inputs[source_place(self.kind)])

    @property
    def output(self) -> int:
        """Index of the tensor that it writes, behind an activation where one is fused."""
        return int(self.operator.outputs[0])

    @property
    def weights(self) -> int:
        """Index of its weights."""
        return int(self.operator.inputs[1])

    @property
    def bias_place(self) -> int | None:
        """The place of the bias (o,) among its operator's inputs; None if it has none."""
        return bias_place(self.operator, self.kind)

    def in_layout(self, weights: FloatArray) -> FloatArray:
        """Weights of the node as the operator has them, without the factor."""
        values = _in_layout(self.node, self.kind, weights)
        assert values is not None
        return values


def find_layers(model: Any, reference: onnx.ModelProto) -> dict[str, TFLiteLayer]:
    """Name of a weighted node -> its operator in a TFLite model, for all that have the same weights up to a factor.

    ``reference``: the ONNX tile graph, its DepthToSpace in DCR order.
    """
    pending = [*_weighted_operators(model)]
    found = {}
    for node in weighted_nodes(reference):
        weights = constant(reference, node.input[1])
        for place, (operator, kind, values) in enumerate(pending):
            expected = _in_layout(node, kind, weights)
            factor = None if expected is None else _factor(values, expected)
            if factor is not None:
                shifts = _shifts(model, operator, kind, reference, node) if abs(factor - 1) <= _SAME else None
                found[node.name] = TFLiteLayer(operator, kind, node, factor, shifts)
                del pending[place]
                break
    return found


def _weighted_operators(model: Any) -> Iterator[tuple[Any, str, FloatArray]]:
    """Operators that can be layers with their kinds and constant weights, in order."""
    for operator in model.subgraphs[0].operators:
        kind = operator_name(model, operator)
        if kind in KINDS and holds_constant(model, int(operator.inputs[1])):
            yield operator, kind, constant_values(model, int(operator.inputs[1]))


def _in_layout(node: onnx.NodeProto, kind: str, weights: NDArray[np.float32]) -> FloatArray | None:
    """The weights of an ONNX node in the layout of a kind of operator; None where it cannot have them."""
    kernels = _output_major(node, weights)
    if kernels is None or (node.op_type == TRANSPOSED_CONVOLUTION) != (kind == _TRANSPOSED):
        return None
    if kind in _OUTPUT_MAJOR:
        return kernels.transpose(0, 2, 3, 1)
    if kind == "DEPTHWISE_CONV_2D":
        return kernels.transpose(1, 2, 3, 0) if kernels.shape[1] == 1 else None
    return kernels[:, :, 0, 0] if kernels.shape[2:] == (1, 1) else None


def _output_major(node: onnx.NodeProto, weights: NDArray[np.float32]) -> FloatArray | None:
    """(o,i,kh,kw), a matrix as 1x1 kernels; None for weights of other ranks, or of a transposed layer of groups."""
    groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
    if weights.ndim not in (2, 4) or (node.op_type == TRANSPOSED_CONVOLUTION and groups != 1):
        return None
    ordered = weights if output_axis(node) == 0 else weights.swapaxes(0, 1)
    return ordered if ordered.ndim == 4 else ordered[:, :, None, None]


def _factor(found: FloatArray, expected: FloatArray) -> np.float32 | None:
    """The factor by which weights were multiplied; 1 if they are all zero, which shows no factor and needs none."""
    if found.shape != expected.shape:
        return None
    largest = np.unravel_index(np.abs(expected).argmax(), expected.shape)
    factor = np.float32(1) if expected[largest] == 0 else np.float32(found[largest] / expected[largest])
    return factor if np.abs(found - expected * factor).max() <= _SAME * np.abs(found).max() else None


def source_place(kind: str) -> int:
    """The place, among an operator's inputs, of the tensor that it computes from."""
    return 2 if kind == _TRANSPOSED else 0


def bias_place(operator: Any, kind: str) -> int | None:
    """The place of the bias (o,) among an operator's inputs; None if it has none."""
    place = 3 if kind == _TRANSPOSED else 2
    return place if len(operator.inputs) > place and operator.inputs[place] >= 0 else None


def _shifts(
    model: Any, operator: Any, kind: str, reference: onnx.ModelProto, node: onnx.NodeProto
) -> tuple[float, float]:
    """The difference of an operator's bias from the node's; a missing one counts as zeros."""
    place = bias_place(operator, kind)
    found = np.float32(0) if place is None else constant_values(model, int(operator.inputs[place]))
    difference = found - (constant(reference, node.input[2]) if len(node.input) > 2 else np.float32(0))
    return float(difference.min()), float(difference.max())

"""The tile graph inside a float32 TFLite model of a tile or a full graph: its convolutions and its tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx

from edgesr.export.graphs.matching.match import match_layers
from edgesr.export.graphs.onnx_graph import constant, convolutions, fingerprint, is_close
from edgesr.export.graphs.onnx_layers import onnx_layer_graph
from edgesr.export.graphs.tflite_graph import constant_values
from edgesr.export.graphs.tflite_layers import tflite_layer_graph
from edgesr.runtimes.errors import EdgesrError


@dataclass(frozen=True)
class TileInTFLite:
    """Where a TFLite model computes what the ONNX tile graph does.

    ``convolutions``: name of every Conv node -> its CONV_2D operator, into which an activation may be fused.
    ``tensors``: index of a TFLite tensor -> the ONNX tensor that an operator of both reads or writes there, the input
    included: a CONV_2D's output is the Conv's also before a fused activation.
    """

    convolutions: dict[str, Any]
    tensors: dict[int, str]


def find_tile(model: Any, reference: onnx.ModelProto) -> TileInTFLite:
    """The ONNX tile graph, its DepthToSpace in DCR order, inside a TFLite model.

    An EdgesrError where the model has another structure, or a convolution other weights, up to a factor and in order.
    """
    graph, wanted = tflite_layer_graph(model), onnx_layer_graph(reference)
    operators = {int(operator.outputs[0]): operator for operator in model.subgraphs[0].operators}
    nodes = {node.output[0]: node for node in convolutions(reference)}
    tensors, found = {int(graph.source): wanted.source}, {}
    for index, output in match_layers(graph, wanted).operations.items():
        operator = operators[int(index)]
        tensors[int(index)] = output
        if output in nodes:
            tensors.setdefault(int(operator.inputs[0]), nodes[output].input[0])
            found[output] = operator
    for output, node in nodes.items():
        _require_weights(model, found.get(output), reference, node)
    return TileInTFLite({node.name: found[output] for output, node in nodes.items()}, tensors)


def _require_weights(model: Any, operator: Any, reference: onnx.ModelProto, node: onnx.NodeProto) -> None:
    """An EdgesrError where there is no operator, or one with other weights: a converter folds factors into them."""
    wanted = fingerprint(constant(reference, node.input[1]))
    if operator is None or not is_close(fingerprint(constant_values(model, operator.inputs[1])), wanted):
        raise EdgesrError(f"the TFLite file has no convolution with the weights of {node.name}; report this model")

"""MNN files as layer graphs, and their inner tensors on an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgesr.export.graphs.layer_graphs import LayeredFile, LayerGraph, LayerTensors, Match, Operation
from edgesr.export.graphs.onnx_layers import channel_major
from edgesr.export.graphs.operators import (
    ADD,
    BOUND,
    CAST,
    CLIP,
    CONCAT,
    CONVOLUTION,
    DEPTH_TO_SPACE,
    LAYOUT,
    MATRIX_PRODUCT,
    PAD,
    RESIZE,
    SCALE,
    SHIFT,
    TRANSPOSED_CONVOLUTION,
)
from edgesr.export.mnn.model_file import (
    CONVOLUTIONS,
    TRANSPOSED_CONVOLUTIONS,
    MnnOperator,
    convolution_of,
    read_operators,
)
from edgesr.runtimes.adapters.mnn import read_tensors
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.interface.runtime import RunSettings

_INPUT, _BINARY, _RELU, _DEPTH_TO_SPACE = 34, 7, 69, 109
_KINDS = {
    **dict.fromkeys(CONVOLUTIONS, CONVOLUTION),
    **dict.fromkeys(TRANSPOSED_CONVOLUTIONS, TRANSPOSED_CONVOLUTION),
    **dict.fromkeys((39, 106), MATRIX_PRODUCT),
    **dict.fromkeys((9, 129), CAST),
    **dict.fromkeys((26, 28, 46, 73, 90, 100, 107), LAYOUT),
    **dict.fromkeys((35, 74), RESIZE),
    10: CONCAT,
    45: PAD,
    49: "PRelu",
    68: "Reduction",
    70: CLIP,
    81: "Sigmoid",
    95: "Tanh",
    _DEPTH_TO_SPACE: DEPTH_TO_SPACE,
}
"""By the number in MNN's OpType: 129 converts layouts, 70 is a clip between bounds."""
_OF_CONSTANT = {0: SHIFT, 1: SHIFT, 2: SCALE, 3: SCALE, 4: BOUND, 5: BOUND, 7: SCALE, 8: BOUND, 9: BOUND}
_OF_TWO = {0: ADD, 1: "Sub", 2: "Mul", 3: "Div", 4: "Max", 5: "Min", 6: "Pow", 7: "Div", 8: "Min", 9: "Max"}
"""By the operation of a binary operator, of a tensor and a constant, or of two tensors."""
_BLOCK_SIZE, _MODE, _BLOCK_MAJOR = 0, 1, 0
_OPERATION, _SLOPE = 0, 0


@dataclass(frozen=True)
class _MnnLayers:
    path: Path
    graph: LayerGraph

    def tensors(self, match: Match, image: FloatArray, *, exact: bool) -> LayerTensors:
        wanted = list(dict.fromkeys(tensor for name in match.tensors for tensor in match.candidates(name)))
        computed = [name for name in wanted if name != self.graph.source]
        answers = read_tensors(self.path, image[None], computed, RunSettings(exact=exact))
        found = {self.graph.source: image, **dict(zip(computed, answers, strict=True))}

        def values(name: str) -> Iterator[FloatArray]:
            for tensor in match.candidates(name):
                yield channel_major(found[tensor], match.block_major.get(name))

        return LayerTensors(frozenset(match.tensors), lambda name: tuple(values(name)), frozenset(match.doubtful))


def open_mnn_layers(path: Path) -> LayeredFile:
    """A .mnn file, whose tensors MNN computes in float32 whatever its weights are stored in."""
    return _MnnLayers(path, mnn_layer_graph(read_operators(path)))


def mnn_layer_graph(operators: tuple[MnnOperator, ...]) -> LayerGraph:
    """The layer graph of a model with one input and one output, by the names of its tensors."""
    (source,) = (operator.outputs[0] for operator in operators if operator.kind == _INPUT)
    computed, operations = {source}, []
    for operator in operators:
        inputs = tuple(name for name in operator.inputs if name in computed)
        if not inputs:
            continue  # constants
        computed.update(operator.outputs)
        operations += [_operation(operator, inputs, output) for output in operator.outputs]
    return LayerGraph(source, operators[-1].outputs[0], tuple(operations))


def _operation(operator: MnnOperator, inputs: tuple[str, ...], output: str) -> Operation:
    kind = _kind(operator, len(inputs))
    convolution = convolution_of(operator)
    shuffles = kind == DEPTH_TO_SPACE
    return Operation(
        kind=kind,
        inputs=inputs,
        output=output,
        weight_shape=None if convolution is None else (*convolution.channels, *convolution.kernel),
        activation=None if convolution is None else convolution.activation,
        block_size=operator.number(_BLOCK_SIZE) if shuffles else 0,
        block_major=shuffles and operator.small_number(_MODE) == _BLOCK_MAJOR,
    )


def _kind(operator: MnnOperator, inputs: int) -> str:
    if operator.kind == _BINARY:
        table = _OF_CONSTANT if inputs == 1 else _OF_TWO
        return table.get(operator.number(_OPERATION), f"Binary{operator.number(_OPERATION)}")
    if operator.kind == _RELU:
        return "LeakyRelu" if operator.decimal(_SLOPE) else "Relu"
    return _KINDS.get(operator.kind, f"Operator{operator.kind}")

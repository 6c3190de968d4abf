"""ncnn models as layer graphs, and their inner tensors on an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgesr.export.graphs.layer_graphs import LayeredFile, LayerGraph, LayerTensors, Match, Operation, number_slices
from edgesr.export.graphs.onnx_layers import channel_major
from edgesr.export.graphs.operators import (
    ADD,
    BOUND,
    CAST,
    CLIP,
    CONCAT,
    CONVOLUTION,
    DEPTH_TO_SPACE,
    LAYERS,
    LAYOUT,
    LINEAR,
    MATRIX_PRODUCT,
    PAD,
    RESIZE,
    SCALE,
    SHIFT,
    SLICE,
    TRANSPOSED_CONVOLUTION,
)
from edgesr.export.ncnn.param_file import ParamLayer, read_layers
from edgesr.export.ncnn.run import tensors_of
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Precision

_KINDS = {
    "Convolution": CONVOLUTION,
    "ConvolutionDepthWise": CONVOLUTION,
    "Deconvolution": TRANSPOSED_CONVOLUTION,
    "DeconvolutionDepthWise": TRANSPOSED_CONVOLUTION,
    "InnerProduct": LINEAR,
    "MatMul": MATRIX_PRODUCT,
    "Padding": PAD,
    "PixelShuffle": DEPTH_TO_SPACE,
    "Interp": RESIZE,
    "Concat": CONCAT,
    "Crop": SLICE,
    "Slice": SLICE,
    "Clip": CLIP,
    "PReLU": "PRelu",
    **dict.fromkeys(("Split", "Noop", "Dropout"), CAST),
    **dict.fromkeys(("Reshape", "Permute", "Squeeze", "ExpandDims", "Flatten"), LAYOUT),
}
_OF_CONSTANT = {0: SHIFT, 1: SHIFT, 2: SCALE, 3: SCALE, 4: BOUND, 5: BOUND, 7: SHIFT}
_OF_TWO = {0: ADD, 1: "Sub", 2: "Mul", 3: "Div", 4: "Max", 5: "Min", 6: "Pow"}
"""By parameter 0 of a BinaryOp, of a tensor and a constant, or of two tensors."""
_FUSED = {1: "Relu", 2: "LeakyRelu", 3: CLIP, 4: "Sigmoid"}
"""By parameter 9 of a convolution."""
_INPUT = "Input"


@dataclass(frozen=True)
class _NcnnLayers:
    path: Path
    precision: Precision
    graph: LayerGraph

    def tensors(self, match: Match, image: FloatArray, *, exact: bool) -> LayerTensors:
        wanted = list(dict.fromkeys(tensor for name in match.tensors for tensor in match.candidates(name)))
        found = tensors_of(self.path, image, wanted, precision=self.precision, exact=exact)

        def values(name: str) -> Iterator[FloatArray]:
            for tensor in match.candidates(name):
                yield channel_major(found[tensor], match.block_major.get(name))

        return LayerTensors(frozenset(match.tensors), lambda name: tuple(values(name)), frozenset(match.doubtful))


def open_ncnn_layers(path: Path, precision: Precision) -> LayeredFile:
    """A .param file, whose tensors ncnn computes as it computes files of a precision."""
    return _NcnnLayers(path, precision, ncnn_layer_graph(read_layers(path)))


def ncnn_layer_graph(layers: tuple[ParamLayer, ...]) -> LayerGraph:
    """The layer graph of a model with one input and one output, by the names of its tensors."""
    (source,) = (layer.outputs[0] for layer in layers if layer.kind == _INPUT)
    computed, operations = {source}, []
    begins: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        inputs = tuple(name for name in layer.inputs if name in computed)
        if not inputs:
            continue  # constants
        computed.update(layer.outputs)
        found = [_operation(layer, inputs, output) for output in layer.outputs]
        operations += found
        if found[0].kind == SLICE:
            begins.update((output, (place,)) for place, output in enumerate(layer.outputs))
    return LayerGraph(source, layers[-1].outputs[0], number_slices(operations, begins))


def _operation(layer: ParamLayer, inputs: tuple[str, ...], output: str) -> Operation:
    kind = _kind(layer, len(inputs))
    shuffles = kind == DEPTH_TO_SPACE
    return Operation(
        kind=kind,
        inputs=inputs,
        output=output,
        weight_shape=_weight_shape(layer, kind),
        activation=_FUSED.get(layer.number(9)) if kind in (CONVOLUTION, TRANSPOSED_CONVOLUTION) else None,
        block_size=layer.number(0) if shuffles else 0,
        block_major=shuffles and layer.number(1) == 1,
    )


def _kind(layer: ParamLayer, inputs: int) -> str:
    if layer.kind == "BinaryOp":
        table = _OF_CONSTANT if inputs == 1 else _OF_TWO
        return table.get(layer.number(0), layer.kind)
    if layer.kind == "ReLU":
        return "LeakyRelu" if float(layer.parameters.get(0, 0)) else "Relu"
    if layer.kind == "Pooling":
        return "ReduceMean" if layer.number(4) else ("AveragePool" if layer.number(0) else "MaxPool")
    return _KINDS.get(layer.kind, layer.kind)


def _weight_shape(layer: ParamLayer, kind: str) -> tuple[int, ...] | None:
    """(out,in,kh,kw) of a convolution, as ONNX has it; the sides of a matrix in order of size."""
    if kind not in LAYERS:
        return None
    outputs, width = layer.number(0), layer.number(1)
    if kind == LINEAR:
        return tuple(sorted((outputs, layer.number(2) // outputs)))
    height = layer.number(11, width)
    return outputs, layer.number(6) // (outputs * height * width), height, width

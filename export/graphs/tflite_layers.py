"""TFLite files as layer graphs, and their inner tensors on an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgesr.export.graphs.layer_graphs import LayeredFile, LayerGraph, LayerTensors, Match, Operation, number_slices
from edgesr.export.graphs.onnx_layers import channel_major, without_batch
from edgesr.export.graphs.operators import (
    BOUND,
    CAST,
    CLIP,
    DEPTH_TO_SPACE,
    DEQUANTIZE,
    LAYERS,
    PAD,
    QUANTIZE,
    SLICE,
    TRANSPOSED_CONVOLUTION,
    tflite_kind,
)
from edgesr.export.graphs.tflite_graph import operator_name, read_tflite
from edgesr.runtimes.arrays import FloatArray

_TYPES = (QUANTIZE, DEQUANTIZE, CAST)
_ACTIVATIONS = {
    code: tflite_kind(name, 1)
    for name, code in vars(schema.ActivationFunctionType).items()
    if isinstance(code, int) and code
}


@dataclass(frozen=True)
class _TFLiteLayers:
    path: Path
    graph: LayerGraph

    def tensors(self, match: Match, image: FloatArray, *, exact: bool) -> LayerTensors:  # noqa: ARG002
        values = tflite_layer_values(self.path, match, image)
        return LayerTensors(frozenset(match.tensors), values, frozenset(match.doubtful))


def open_tflite_layers(path: Path) -> LayeredFile:
    """A TFLite file; its tensors are always computed in the arithmetic of LiteRT's own kernels."""
    return _TFLiteLayers(path, tflite_layer_graph(read_tflite(path.read_bytes())))


def tflite_layer_graph(model: Any) -> LayerGraph:
    """The layer graph of a TFLite model; tensors go by their index."""
    (graph,) = model.subgraphs
    kinds = {int(graph.inputs[0]): ""}
    operations: list[Operation] = []
    begins: dict[str, tuple[int, ...]] = {}
    read = {int(index) for operator in graph.operators for index in operator.inputs} | {int(graph.outputs[0])}
    for operator in graph.operators:
        inputs = tuple(int(i) for i in operator.inputs if int(i) in kinds)
        if not inputs:
            continue
        name = operator_name(model, operator)
        kind = _seen_behind(kinds[inputs[0]], tflite_kind(name, len(inputs)))
        seen = kinds[inputs[0]] if kind in _TYPES else kind
        kinds.update((int(output), seen) for output in operator.outputs)
        outputs = [int(output) for output in operator.outputs if int(output) in read]
        operations += [_operation(model, operator, name, kind, inputs, output) for output in outputs]
        if kind == SLICE:
            begins.update(_begins(model, operator))
    return LayerGraph(str(int(graph.inputs[0])), str(int(graph.outputs[0])), number_slices(operations, begins))


def _seen_behind(before: str, kind: str) -> str:
    """The kind of an operator that may be a part of what ONNX has one operator for, with the kind of the one before."""
    if before == BOUND and kind in (BOUND, "Relu"):
        return CLIP
    return PAD if before == TRANSPOSED_CONVOLUTION and kind == SLICE else kind


def _operation(model: Any, operator: Any, name: str, kind: str, inputs: tuple[int, ...], output: int) -> Operation:
    options, shuffles = operator.builtinOptions, kind == DEPTH_TO_SPACE
    weighted = kind in LAYERS and int(operator.inputs[1]) not in inputs
    return Operation(
        kind=kind,
        inputs=tuple(map(str, inputs)),
        output=str(output),
        weight_shape=_weight_shape(name, _shape(model, operator.inputs[1])) if weighted else None,
        activation=_ACTIVATIONS.get(getattr(options, "fusedActivationFunction", 0)),
        block_size=options.blockSize if shuffles else 0,
        block_major=shuffles,
    )


def _begins(model: Any, operator: Any) -> dict[str, tuple[int, ...]]:
    """Output of a slice -> where it begins; of a split, its number."""
    if len(operator.outputs) > 1:
        return {str(int(output)): (number,) for number, output in enumerate(operator.outputs)}
    tensor = model.subgraphs[0].tensors[int(operator.inputs[1])]
    data = model.buffers[tensor.buffer].data
    return {} if data is None else {str(int(operator.outputs[0])): tuple(np.frombuffer(bytes(data), "<i4").tolist())}


def tflite_layer_values(path: Path, match: Match, image: FloatArray) -> Callable[[str], tuple[FloatArray, ...]]:
    """Run an LR image (3,h,w) and give a reader: tensor of the reference -> its values (c,h,w) in float32.

    LiteRT's own kernels compute it: a delegate such as XNNPACK does not show its inner tensors.
    """
    interpreter = Interpreter(
        model_path=str(path),
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    batch = np.ascontiguousarray(image.transpose(1, 2, 0))[None]
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, batch.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, batch)
    interpreter.invoke()
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}

    def values(name: str) -> Iterator[FloatArray]:
        for index in map(int, match.candidates(name)):
            found = _dequantized(interpreter.get_tensor(index), details[index]["quantization_parameters"])
            yield channel_major(_channels_first(found), match.block_major.get(name))

    return lambda name: tuple(values(name))


def _channels_first(values: FloatArray) -> FloatArray:
    """(1,h,w,c) -> (c,h,w); another tensor only without its axis of images."""
    alone = without_batch(values)
    return np.ascontiguousarray(alone.transpose(2, 0, 1)) if alone.ndim == 3 and alone is not values else alone


def _dequantized(values: Any, parameters: Any) -> FloatArray:
    """Float32 values of a tensor that may be int8 or int16, quantized as a whole."""
    if not np.issubdtype(values.dtype, np.integer):
        return np.asarray(values, dtype=np.float32)
    shifted = values.astype(np.float32) - np.float32(parameters["zero_points"][0])
    return np.asarray(shifted * np.float32(parameters["scales"][0]), dtype=np.float32)


def _shape(model: Any, index: Any) -> tuple[int, ...]:
    return tuple(int(side) for side in model.subgraphs[0].tensors[int(index)].shape)


def _weight_shape(operator: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """(out,kh,kw,in) -> (out,in,kh,kw); of a depthwise convolution (1,kh,kw,out) -> (out,1,kh,kw)."""
    if len(shape) != 4:
        return tuple(sorted(shape))
    first, height, width, last = shape
    return (last, first, height, width) if operator == "DEPTHWISE_CONV_2D" else (first, last, height, width)

"""TFLite files as layer graphs, and their inner tensors on an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgesr.export.graphs.layer_graphs import LayeredFile, LayerGraph, LayerTensors, Match, Operation
from edgesr.export.graphs.onnx_layers import channel_major
from edgesr.export.graphs.operators import CONVOLUTION, DEPTH_TO_SPACE, tflite_kind
from edgesr.export.graphs.tflite_graph import operator_name, read_tflite
from edgesr.runtimes.arrays import FloatArray

_ACTIVATIONS = {
    code: name.title() for name, code in vars(schema.ActivationFunctionType).items() if isinstance(code, int) and code
}


@dataclass(frozen=True)
class _TFLiteLayers:
    path: Path
    graph: LayerGraph

    def tensors(self, match: Match, image: FloatArray, *, exact: bool) -> LayerTensors:  # noqa: ARG002
        return LayerTensors(frozenset(match.tensors), tflite_layer_values(self.path, match, image))


def open_tflite_layers(path: Path) -> LayeredFile:
    """A TFLite file; its tensors are always computed in the arithmetic of LiteRT's own kernels."""
    return _TFLiteLayers(path, tflite_layer_graph(read_tflite(path.read_bytes())))


def tflite_layer_graph(model: Any) -> LayerGraph:
    """The layer graph of a TFLite model; tensors go by their index."""
    (graph,) = model.subgraphs
    computed = {int(graph.inputs[0])}
    operations = []
    for operator in graph.operators:
        inputs = tuple(int(i) for i in operator.inputs if int(i) in computed)
        if not inputs:
            continue
        computed.update(int(i) for i in operator.outputs)
        kind, options = tflite_kind(operator_name(model, operator), len(inputs)), operator.builtinOptions
        convolves, shuffles = kind == CONVOLUTION, kind == DEPTH_TO_SPACE
        operations.append(
            Operation(
                kind=kind,
                inputs=tuple(map(str, inputs)),
                output=str(int(operator.outputs[0])),
                weight_shape=_weight_shape(graph.tensors[int(operator.inputs[1])].shape) if convolves else None,
                activation=_ACTIVATIONS.get(getattr(options, "fusedActivationFunction", 0)),
                block_size=options.blockSize if shuffles else 0,
                block_major=shuffles,
            )
        )
    return LayerGraph(str(int(graph.inputs[0])), str(int(graph.outputs[0])), tuple(operations))


def tflite_layer_values(path: Path, match: Match, image: FloatArray) -> Callable[[str], FloatArray]:
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

    def read(name: str) -> FloatArray:
        index = int(match.tensors[name])
        values = _dequantized(interpreter.get_tensor(index), details[index]["quantization_parameters"])[0]
        return channel_major(np.ascontiguousarray(values.transpose(2, 0, 1)), match.block_major.get(name))

    return read


def _dequantized(values: Any, parameters: Any) -> FloatArray:
    """Float32 values of a tensor that may be int8 or int16, quantized as a whole."""
    if not np.issubdtype(values.dtype, np.integer):
        return np.asarray(values, dtype=np.float32)
    shifted = values.astype(np.float32) - np.float32(parameters["zero_points"][0])
    return np.asarray(shifted * np.float32(parameters["scales"][0]), dtype=np.float32)


def _weight_shape(shape: Any) -> tuple[int, ...]:
    """(out,kh,kw,in) -> (out,in,kh,kw)."""
    outputs, height, width, inputs = (int(side) for side in shape)
    return outputs, inputs, height, width

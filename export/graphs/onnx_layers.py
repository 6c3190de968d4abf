"""ONNX files as layer graphs, and their inner tensors on an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgesr.export.graphs.layer_graphs import LayeredFile, LayerGraph, LayerTensors, Match, Operation, number_slices
from edgesr.export.graphs.onnx_graph import constant, constants, copied, image_nodes, name_of_layer, runner
from edgesr.export.graphs.operators import (
    CAST,
    DEPTH_TO_SPACE,
    DEQUANTIZE,
    LAYERS,
    LINEAR,
    QUANTIZE,
    SLICE,
    TRANSPOSED_CONVOLUTION,
    onnx_kind,
)
from edgesr.runtimes.arrays import FloatArray


@dataclass(frozen=True)
class _OnnxLayers:
    model: onnx.ModelProto
    graph: LayerGraph

    def tensors(self, match: Match, image: FloatArray, *, exact: bool) -> LayerTensors:
        values = onnx_layer_values(self.model, match, image, exact=exact)
        return LayerTensors(frozenset(values), values.__getitem__, frozenset(match.doubtful))


def open_onnx_layers(path: Path) -> LayeredFile:
    """An ONNX file; ONNX Runtime computes its tensors as it does otherwise, or in exact arithmetic."""
    model = onnx.load(path)
    return _OnnxLayers(model, onnx_layer_graph(model))


def onnx_layer_graph(model: onnx.ModelProto) -> LayerGraph:
    """The layer graph of an ONNX model with one image as its input, its nodes in topological order."""
    source = model.graph.input[0].name
    nodes, shapes = image_nodes(model), _constant_shapes(model)
    computed = {source, *(name for node in nodes for name in node.output)}
    read = {model.graph.output[0].name, *(name for node in model.graph.node for name in node.input)}
    operations: list[Operation] = []
    begins: dict[str, tuple[int, ...]] = {}
    for node in nodes:
        inputs = tuple(name for name in node.input if name in computed)
        outputs = [name for name in node.output if name in read] if node.op_type == "Split" else node.output[:1]
        operations += [_operation(node, inputs, output, shapes) for output in outputs]
        if operations[-1].kind == SLICE:
            begins.update(_begins(model, node, outputs))
    return LayerGraph(source, model.graph.output[0].name, number_slices(operations, begins))


def _operation(
    node: onnx.NodeProto, inputs: tuple[str, ...], output: str, shapes: Mapping[str, tuple[int, ...]]
) -> Operation:
    kind = onnx_kind(node.op_type, len(inputs))
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    weights = shapes.get(node.input[1]) if kind in LAYERS else None
    return Operation(
        kind=kind,
        inputs=inputs,
        output=output,
        weight_shape=None if weights is None else _weight_shape(kind, weights),
        block_size=attributes.get("blocksize", 0),
        block_major=kind == DEPTH_TO_SPACE and attributes.get("mode", b"DCR") == b"DCR",
        layer="" if weights is None else name_of_layer(node),
    )


def _begins(model: onnx.ModelProto, node: onnx.NodeProto, outputs: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Output of a slice -> where it begins; of a split, its number."""
    if node.op_type == "Split":
        return {output: (number,) for number, output in enumerate(outputs)}
    if node.input[1] not in constants(model):
        return {}
    return {outputs[0]: tuple(constant(model, node.input[1]).tolist())}


def _weight_shape(kind: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """(out,in,...) of a convolution, whose weights are (in,out,...) where it is a transposed one."""
    if kind == LINEAR:
        return tuple(sorted(shape))
    return (shape[1], shape[0], *shape[2:]) if kind == TRANSPOSED_CONVOLUTION else shape


def onnx_layer_values(
    model: onnx.ModelProto, match: Match, image: FloatArray, *, exact: bool
) -> dict[str, tuple[FloatArray, ...]]:
    """Tensor of the reference -> its values (c,h,w) in float32 on an LR image (3,h,w), computed by ONNX Runtime.

    Quantized tensors get a DequantizeLinear of their own, so that int8 kernels stay fused; float16 ones a Cast.
    """
    exposed = copied(model)
    wanted = {tensor for name in match.tensors for tensor in match.candidates(name)}
    outputs = {tensor: _expose(exposed, tensor) for tensor in sorted(wanted)}
    final = model.graph.output[0].name
    found = runner(exposed, [*dict.fromkeys((*outputs.values(), final))], exact=exact)(image)
    return values_by_match(match, {tensor: found[output] for tensor, output in outputs.items()})


def values_by_match(match: Match, found: Mapping[str, FloatArray]) -> dict[str, tuple[FloatArray, ...]]:
    """Tensor of the reference -> its values (c,h,w), of the tensors (1,c,h,w) of a file by their names in it."""

    def values(name: str) -> Iterator[FloatArray]:
        for tensor in match.candidates(name):
            yield channel_major(without_batch(found[tensor]), match.block_major.get(name))

    return {name: tuple(values(name)) for name in match.tensors}


def without_batch(values: FloatArray) -> FloatArray:
    """A tensor without its axis of images, where it has one: windows of one image are on that axis, too."""
    result: FloatArray = values[0] if values.ndim > 1 and values.shape[0] == 1 else values
    return result


def channel_major(values: FloatArray, block_size: int | None) -> FloatArray:
    """(b*b*c,h,w) in the order of DepthToSpace DCR -> that of CRD, which is torch's; unchanged without a block size."""
    if block_size is None:
        return values
    grouped = values.reshape(block_size * block_size, -1, *values.shape[1:])
    return np.ascontiguousarray(grouped.swapaxes(0, 1).reshape(values.shape))


def _expose(model: onnx.ModelProto, tensor: str) -> str:
    """Name of a float32 tensor with the values of one of the model; a node is added where it is of another type."""
    producer = next(node for node in model.graph.node if tensor in node.output)
    name = f"{tensor}.edgesr_diff"
    if producer.op_type == "QuantizeLinear":
        node = helper.make_node("DequantizeLinear", [tensor, *producer.input[1:]], [name], domain=producer.domain)
    elif any(t.data_type == TensorProto.FLOAT16 for t in model.graph.initializer):
        node = helper.make_node("Cast", [tensor], [name], to=TensorProto.FLOAT)
    else:
        return tensor
    model.graph.node.append(node)
    return name


def _constant_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Shapes of initializers, and of what is only cast or dequantized from them."""
    shapes: dict[str, tuple[int, ...]] = {name: tuple(tensor.dims) for name, tensor in constants(model).items()}
    for node in model.graph.node:
        if onnx_kind(node.op_type, 0) in (CAST, QUANTIZE, DEQUANTIZE) and node.input[0] in shapes:
            shapes[node.output[0]] = shapes[node.input[0]]
    return shapes

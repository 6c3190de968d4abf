"""The cost of a graph: its multiply-accumulates, counted on a run, and its parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import onnx

from edgesr.runtimes.adapters import ort
from edgesr.sr_model.generators.onnx_source.graph_edits import copied

_WEIGHTS_PLACE = {"Conv": 1, "ConvTranspose": 1}
_PRODUCTS = ("MatMul", "Gemm")
_NO_WEIGHTS = ("Resize", "Upsample")
_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)

Shapes = Mapping[str, tuple[int, ...]]


def count_macs(model: onnx.ModelProto, side: int, channels: int) -> int:
    """Multiply-accumulates of all convolutions and matrix products for one square image; branches do not count."""
    nodes = [node for node in model.graph.node if node.op_type in (*_WEIGHTS_PLACE, *_PRODUCTS)]
    shapes = _shapes(model, [name for node in nodes for name in (*node.input, node.output[0])], side, channels)
    return sum(_macs(node, shapes) for node in nodes)


def count_graph_parameters(model: onnx.ModelProto) -> int:
    """Numbers in the float tensors and quantized weights of a graph, without single factors and those of a resize."""
    named = {name for node in model.graph.node if node.op_type in _NO_WEIGHTS for name in node.input[1:]}
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    held |= {
        node.output[0]: attribute.t
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.HasField("t")
    }
    quantized = {node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    return sum(
        math.prod(tensor.dims)
        for name, tensor in held.items()
        if (tensor.data_type in _FLOATS or name in quantized) and len(tensor.dims) > 0 and name not in named
    )


def _macs(node: onnx.NodeProto, shapes: Shapes) -> int:
    if node.op_type in _PRODUCTS:
        transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-2 if transposed else -1]
    every = shapes[node.input[0] if node.op_type == "ConvTranspose" else node.output[0]]
    return math.prod(every) * math.prod(shapes[node.input[_WEIGHTS_PLACE[node.op_type]]][1:])


def _shapes(model: onnx.ModelProto, names: list[str], side: int, channels: int) -> Shapes:
    """Shapes of tensors, by name, of a run on a grey image."""
    exposed = copied(model)
    known = {tensor.name: tuple(tensor.dims) for tensor in exposed.graph.initializer}
    image = exposed.graph.input[0].name
    lr = np.full((1, channels, side, side), 128, dtype=np.float32)
    wanted = [name for name in dict.fromkeys(names) if name and name not in known and name != image]
    del exposed.graph.output[:]
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    options = ort.session_options(0)
    options.graph_optimization_level = ort.load().GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.load().InferenceSession(exposed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = zip(wanted, session.run(wanted, {image: lr}), strict=True) if wanted else ()
    return known | {image: lr.shape} | {name: value.shape for name, value in found}

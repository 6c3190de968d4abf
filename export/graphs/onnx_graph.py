"""Questions about an ONNX graph that several rewrites ask, and running one with its inner tensors as outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from edgesr.export.graphs.operators import CONVOLUTION, GEMM, MATRIX_PRODUCT, TRANSPOSED_CONVOLUTION, WEIGHTED
from edgesr.export.graphs.walk import needed_for
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import EdgesrError
from edgesr.sr_model.generators.layer_names import layer_name, layer_of_bias

_SAME_WEIGHTS = 1e-4


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    """A deep copy."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    return result


def convolutions(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """All Conv nodes in order."""
    return [node for node in model.graph.node if node.op_type == CONVOLUTION]


def weighted_nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """All nodes that multiply pixels by a constant kernel or matrix, in order: all convolutions, linear layers.

    What multiplies sizes or positions, which are computed from the image's shape, is no layer.
    """
    fixed = constants(model)
    return [node for node in image_nodes(model) if node.op_type in WEIGHTED and node.input[1] in fixed]


def output_axis(node: onnx.NodeProto) -> int:
    """The axis of a weighted node's weights that its output channels are on; of all groups, or of one if transposed."""
    return 0 if node.op_type == CONVOLUTION or (node.op_type == GEMM and is_set(node, "transB")) else 1


def channel_axis(node: onnx.NodeProto) -> int:
    """The axis of a weighted node's output that its channels are on."""
    return -1 if node.op_type in (MATRIX_PRODUCT, GEMM) else 1


def is_grouped_transposed(node: onnx.NodeProto) -> bool:
    """Whether it is a transposed convolution of several groups, whose weights hold one group's output channels."""
    return node.op_type == TRANSPOSED_CONVOLUTION and any(a.name == "group" and a.i > 1 for a in node.attribute)


def fingerprint(weights: NDArray[np.generic]) -> NDArray[np.float64]:
    """The same for weights in any scale and order."""
    values = np.sort(np.abs(weights.astype(np.float64)).ravel())
    return values / max(float(values[-1]), 1e-30)


def is_close(values: NDArray[np.float64], wanted: NDArray[np.float64]) -> bool:
    """Whether two fingerprints are those of the same weights."""
    return values.shape == wanted.shape and bool(np.abs(values - wanted).max() < _SAME_WEIGHTS)


def constants(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """Initializers by name."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def tensor_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """The shapes of all computed tensors whose shape is known, by name; 0 for a side that is not."""
    graph = model.graph
    return {
        value.name: tuple(side.dim_value for side in value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info, *graph.output)
    }


def constant(model: onnx.ModelProto, name: str) -> NDArray[Any]:
    """Value of an initializer."""
    values: NDArray[Any] = numpy_helper.to_array(constants(model)[name])
    return values


def input_channels(model: onnx.ModelProto) -> int:
    """Number of channels of the image that a graph takes."""
    return int(model.graph.input[0].type.tensor_type.shape.dim[1].dim_value)


def data_inputs(node: onnx.NodeProto, known: Iterable[str]) -> list[str]:
    """Inputs of a node that are not among the ``known`` constants."""
    fixed = set(known)
    return [name for name in node.input if name and name not in fixed]


def layer_names(model: onnx.ModelProto) -> dict[str, str]:
    """Node name of every weighted node -> the network's name of it ("blocks.0.conv1"), or the node's own name."""
    return {node.name: name_of_layer(node) or node.name for node in weighted_nodes(model)}


def name_of_layer(node: onnx.NodeProto) -> str:
    """The network's name of a weighted node, "" where there is none: exporters rename weights, and leave their bias."""
    names = (layer_name(node.input[1]), *(layer_of_bias(name) for name in node.input[2:]))
    return next(filter(None, names), "")


def weight_sizes(model: onnx.ModelProto) -> dict[str, float]:
    """Root mean square of every weighted node's weights, by node name."""
    values = {node.name: constant(model, node.input[1]) for node in weighted_nodes(model)}
    return {name: float(np.sqrt(np.mean(np.square(weights, dtype=np.float64)))) for name, weights in values.items()}


def mac_shares(model: onnx.ModelProto, size: Size = (16, 16)) -> dict[str, float]:
    """Share of every weighted node (by name) in the multiply-accumulates of all, on an LR image of a size."""
    nodes = weighted_nodes(model)
    tile = np.zeros((input_channels(model), *size), dtype=np.float32)
    found = runner(model, list(dict.fromkeys(_counted(node) for node in nodes)))(tile)
    weights = constants(model)
    macs = {
        node.name: float(np.prod(weights[node.input[1]].dims)) * _positions(node, found[_counted(node)].shape)
        for node in nodes
    }
    total = sum(macs.values())
    return {name: value / total for name, value in macs.items()}


def _counted(node: onnx.NodeProto) -> str:
    """The tensor at each of whose positions all weights are used once."""
    return str(node.output[0] if node.op_type == CONVOLUTION else node.input[0])


def _positions(node: onnx.NodeProto, shape: tuple[int, ...]) -> int:
    """The number of positions that the counted tensor of this shape has: all axes but its channels."""
    if node.op_type == GEMM:
        return shape[1 if is_set(node, "transA") else 0]
    return int(np.prod(shape)) // shape[-1 if node.op_type == MATRIX_PRODUCT else 1]


def is_set(node: onnx.NodeProto, name: str) -> bool:
    """Whether an attribute of a node is there and not 0."""
    return any(attribute.name == name and attribute.i for attribute in node.attribute)


def runner(
    model: onnx.ModelProto, outputs: Sequence[str] | None = None, *, exact: bool = False
) -> Callable[[FloatArray], dict[str, FloatArray]]:
    """A function LR tile (c,h,w) -> the named tensors, each (1,c,h,w); the graph's own outputs when none are named.

    ``exact`` turns graph optimisations off: Q/DQ is then computed in float32, whatever int8 kernels this CPU has.
    """
    names = [output.name for output in model.graph.output] if outputs is None else list(outputs)
    if set(names) <= {model.graph.input[0].name}:
        return lambda tile: dict.fromkeys(names, tile[None])
    exposed = _with_outputs(model, names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    if exact:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(exposed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0].name

    def run(tile: FloatArray) -> dict[str, FloatArray]:
        wanted = [name for name in names if name != source]
        found = dict(zip(wanted, session.run(wanted, {source: tile[None]}), strict=True))
        return {name: tile[None] if name == source else found[name] for name in names}

    return run


def image_nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Nodes that compute with pixels, in the graph's order, which need not be that of computing.

    The others compute with constants and with the image's size alone.
    """
    pixels, known = {value.name for value in model.graph.input} - constants(model).keys(), 0
    while len(pixels) > known:
        known = len(pixels)
        for node in model.graph.node:
            if node.op_type != "Shape" and not pixels.isdisjoint(node.input):
                pixels.update(node.output)
    return [node for node in model.graph.node if not pixels.isdisjoint(node.output)]


def float_tensors(model: onnx.ModelProto) -> list[str]:
    """Names of all float32 tensors that the graph computes, its output among them."""
    inferred = onnx.shape_inference.infer_shapes(model)
    kinds = {v.name: v.type.tensor_type.elem_type for v in (*inferred.graph.value_info, *inferred.graph.output)}
    names = [name for node in model.graph.node for name in node.output]
    return [name for name in names if kinds.get(name) == onnx.TensorProto.FLOAT]


def live_nodes(nodes: Sequence[onnx.NodeProto], outputs: Iterable[str]) -> list[onnx.NodeProto]:
    """The nodes, in any order, that the outputs depend on."""
    needed = needed_for(outputs, {output: node.input for node in nodes for output in node.output})
    return [node for node in nodes if not needed.isdisjoint(node.output)]


def sort_nodes(model: onnx.ModelProto) -> None:
    """Put the nodes in topological order: quantizers and converters append theirs at the end."""
    ready = {i.name for i in model.graph.input} | {t.name for t in model.graph.initializer} | {""}
    pending, ordered = list(model.graph.node), []
    while pending:
        now = [node for node in pending if set(node.input) <= ready]
        if not now:
            raise EdgesrError("the graph is not connected; report this model")
        ordered.extend(now)
        ready.update(name for node in now for name in node.output)
        pending = [node for node in pending if not set(node.output) <= ready]
    del model.graph.node[:]
    model.graph.node.extend(ordered)


def _with_outputs(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """A copy that computes the named tensors and nothing else."""
    result = copied(model)
    inputs = {i.name for i in result.graph.input}
    nodes = live_nodes(list(result.graph.node), names)
    del result.graph.node[:], result.graph.output[:]
    result.graph.node.extend(nodes)
    result.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names) if name not in inputs)
    return result

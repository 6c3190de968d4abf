"""Edits of ONNX graphs that reach into the branches and loops inside of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import onnx
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, numpy_helper

_HALF = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
_TYPE_ATTRIBUTES = ("to", "dtype")


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    """A deep copy."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    return result


def graphs_of(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph and all graphs in its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from graphs_of(inner)


def nodes_of(graph: GraphProto) -> Iterator[NodeProto]:
    """All nodes of a graph, those in branches and loops too."""
    for inner in graphs_of(graph):
        yield from inner.node


def tensors_of(graph: GraphProto) -> Iterator[TensorProto]:
    """All constant tensors of a graph: initializers, and those that nodes hold."""
    for inner in graphs_of(graph):
        yield from inner.initializer
        for sparse in inner.sparse_initializer:
            yield sparse.values
            yield sparse.indices
        for node in inner.node:
            for attribute in node.attribute:
                yield from _tensors_in(attribute)


def _tensors_in(attribute: AttributeProto) -> Iterator[TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors


def rename(graph: GraphProto, names: Mapping[str, str]) -> None:
    """Give tensors other names, wherever they are written."""
    for inner in graphs_of(graph):
        for node in inner.node:
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]
        for named in (*inner.initializer, *inner.value_info, *inner.input, *inner.output):
            named.name = names.get(named.name, named.name)


def free_names(graph: GraphProto, wanted: Mapping[str, str]) -> None:
    """Rename tensors as in ``wanted``, after those that already have one of the new names got another one."""
    used = {name for node in nodes_of(graph) for name in (*node.input, *node.output)}
    used |= {tensor.name for tensor in graph.initializer}
    others = {name: f"{name}.of_file" for name in wanted.values() if name in used and name not in wanted}
    rename(graph, others | dict(wanted))


def without_shapes(model: onnx.ModelProto) -> None:
    """Drop what a file says of the shapes of its inner tensors: true at one size alone, at times."""
    for inner in graphs_of(model.graph):
        del inner.value_info[:]


def use_float32(model: onnx.ModelProto) -> bool:
    """Make all tensors of 16-bit floats float32, in place; whether there were any."""
    found = False
    for inner in graphs_of(model.graph):
        for value in (*inner.input, *inner.output):
            if value.type.tensor_type.elem_type in _HALF:
                value.type.tensor_type.elem_type, found = TensorProto.FLOAT, True
    for tensor in tensors_of(model.graph):
        if tensor.data_type in _HALF:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype("float32"), tensor.name))
            found = True
    for node in nodes_of(model.graph):
        for attribute in node.attribute:
            if attribute.name in _TYPE_ATTRIBUTES and attribute.i in _HALF:
                attribute.i, found = TensorProto.FLOAT, True
    return found

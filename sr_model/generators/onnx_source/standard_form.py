"""An ONNX model -> the same one as edgesr keeps it: float32, (1,c,h,w), of any size, its image the only input."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.onnx_source.graph_edits import copied, nodes_of, rename, use_float32, without_shapes
from edgesr.sr_model.generators.onnx_source.interface import TAKEN, Interface

IR_VERSION = 10
"""Of every file that edgesr makes: the least runtime of the manifest reads it."""
_TO_NHWC, _TO_NCHW = (0, 2, 3, 1), (0, 3, 1, 2)
_BYTES = "uint8"


class Standard(NamedTuple):
    """A model in the one form, what was changed, in words, and whether it is now more precise than the file."""

    model: onnx.ModelProto
    notes: list[str]
    more_precise: bool


def standard_form(path: Path, given: onnx.ModelProto, interface: Interface) -> Standard:
    """A copy of a file's model in the one form."""
    model = copied(given)
    notes: list[str] = []
    graph = model.graph
    values = [value for value in graph.input if value.name == interface.image]
    del graph.input[:]
    graph.input.extend(values)
    without_shapes(model)
    model.ir_version = IR_VERSION
    more_precise = use_float32(model)
    if more_precise:
        notes.append("float16 tensors of the file are computed in float32: the reference is that graph")
    if interface.dtype == _BYTES:
        _read_floats(path, graph, interface)
        _give_floats(path, graph, interface)
        notes.append(
            "the file takes and gives uint8: files of the bundle take float32 in [0,255], and do not round the picture"
        )
    if interface.image_layout == "NHWC":
        _insert_transpose(graph, interface.image, _TO_NHWC, before=True)
    if interface.picture_layout == "NHWC":
        _insert_transpose(graph, interface.picture, _TO_NCHW, before=False)
    if "NHWC" in (interface.image_layout, interface.picture_layout):
        notes.append("the file has channels last: images are transposed inside the files of the bundle")
    for value, sides in ((graph.input[0], ("height", "width")), (graph.output[0], ("picture_height", "picture_width"))):
        value.CopyFrom(
            helper.make_tensor_value_info(value.name, TensorProto.FLOAT, (1, interface.channels or "channels", *sides))
        )
    return Standard(model, notes, more_precise)


def _read_floats(path: Path, graph: GraphProto, interface: Interface) -> None:
    """The image as float32: all that a plain file does with its bytes is to move and to cast them."""
    as_bytes = {interface.image}
    for node in nodes_of(graph):
        if as_bytes.isdisjoint(node.input) or node.op_type in ("Shape", "Cast"):
            continue
        if node.op_type != "Transpose":
            raise InputError(f"{path}: computes with uint8 in {node.op_type}: {TAKEN}, cast to float32 at once")
        as_bytes.update(node.output)


def _give_floats(path: Path, graph: GraphProto, interface: Interface) -> None:
    """The picture as float32, before it is rounded and cast to bytes at the end."""
    makers = {name: node for node in graph.node for name in node.output}
    name, cast = interface.picture, None
    while (node := makers.get(name)) is not None and node.op_type in ("Transpose", "Cast", "Clip", "Round"):
        if node.op_type == "Cast" and cast is None:
            cast = node
        if cast is None and node.op_type != "Transpose":
            break
        if node.op_type == "Cast":
            _set_float(node)
        if node.op_type == "Round":
            node.op_type = "Identity"
        name = node.input[0]
    if cast is None:
        raise InputError(f"{path}: makes uint8 otherwise than by a Cast at its end: {TAKEN}")


def _set_float(cast: NodeProto) -> None:
    for attribute in cast.attribute:
        if attribute.name == "to":
            attribute.i = TensorProto.FLOAT


def _insert_transpose(graph: GraphProto, name: str, order: tuple[int, ...], *, before: bool) -> None:
    """Behind the image or before the picture, which keeps its name."""
    inner = f"{name}.of_file"
    value = graph.input[0] if before else graph.output[0]
    rename(graph, {name: inner})
    value.name = name
    ends = ([name], [inner]) if before else ([inner], [name])
    node = helper.make_node("Transpose", *ends, perm=order)
    nodes = [node, *graph.node] if before else [*graph.node, node]
    kept = [copied_node(one) for one in nodes]
    del graph.node[:]
    graph.node.extend(kept)


def copied_node(node: NodeProto) -> NodeProto:
    """A copy, which outlives the graph that the node is in."""
    result = NodeProto()
    result.CopyFrom(node)
    return result

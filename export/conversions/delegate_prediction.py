"""The share of an ONNX graph that XNNPACK, LiteRT's delegate, will take: predicted before conversion, and found after
it.
"""

from __future__ import annotations

import sys
from collections.abc import Container, Sequence
from pathlib import Path

import onnx

from edgesr.export.conversions.delegate_job import DelegateJob
from edgesr.export.conversions.resizable import upsamples_input
from edgesr.export.delegates.kind_names import pad_name, tflite_name
from edgesr.export.graphs.matching.match import match_layers
from edgesr.export.graphs.onnx_graph import convolutions, image_nodes
from edgesr.export.graphs.onnx_layers import onnx_layer_graph
from edgesr.runtimes.adapters.tflite import delegation_of
from edgesr.runtimes.bundle.delegation import DelegateUse, Delegation, GraphOperator, divide
from edgesr.runtimes.bundle.manifest import GraphKind
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

Kinds = tuple[tuple[str, bool], ...]
"""TFLite operators that a node becomes, one after the other, each with whether the delegate takes it."""

DELEGATE = "XNNPACK"
_UPSAMPLING: Kinds = (("MIRROR_PAD", False), ("CONV_2D", True), ("DEPTH_TO_SPACE", True))
_SIXTEEN_BIT_CONVOLUTION: Kinds = (("QUANTIZE", False), ("CONV_2D", False), ("DEQUANTIZE", False))
_WITHOUT_KERNEL = ("ArgMax", "CumSum", "Gather", "GatherElements", "GatherND", "NonZero", "ScatterND", "TopK", "Where")


def predict(model: onnx.ModelProto, *, graph: GraphKind, wide: onnx.ModelProto | None = None) -> Delegation:
    """Partitions and fallbacks of the TFLite file that a float32 ONNX graph will become.

    ``wide`` is the tile graph whose convolutions will have 16-bit activations, where they will: a full graph has others
    beside, of its glue.

    Pads that mirror or repeat pixels, sorting and gathering have no XNNPACK kernel, nor have convolutions with 16-bit
    activations. Bilinear upsampling in a tile graph becomes such a pad and a convolution, so that it can be resized; a
    constant factor before a convolution goes into its weights.
    """
    resizable = graph == "tile" and upsamples_input(model)
    widened = set() if wide is None else _convolutions_of(model, wide)
    operators: list[GraphOperator] = []
    taken: list[bool] = []
    for node in _on_image(model):
        kinds = _kinds(node, wide=node.output[0] in widened, resizable=resizable)
        operators += _chain(node, [kind for kind, _ in kinds])
        taken += [by_delegate for _, by_delegate in kinds]
    return divide(operators, taken)


def _convolutions_of(model: onnx.ModelProto, tile_graph: onnx.ModelProto) -> set[str]:
    """Outputs of the convolutions of a graph that are the tile graph's."""
    wanted = {node.output[0] for node in convolutions(tile_graph)}
    match = match_layers(onnx_layer_graph(model), onnx_layer_graph(tile_graph))
    return {output for output, same in match.operations.items() if same in wanted}


def _kinds(node: onnx.NodeProto, *, wide: bool, resizable: bool) -> Kinds:
    if node.op_type == "Pad":
        kind = pad_name(node)
        return ((kind, kind == "PAD"),)
    if node.op_type == "Resize" and resizable:
        return _UPSAMPLING
    if wide:
        return _SIXTEEN_BIT_CONVOLUTION
    left_out = node.op_type in _WITHOUT_KERNEL
    return ((tflite_name(node.op_type), False),) if left_out else ((node.op_type, True),)


def _chain(node: onnx.NodeProto, kinds: list[str]) -> list[GraphOperator]:
    """The node as operators in a row: the first has its inputs, the last its outputs."""
    between = [f"{node.output[0]}.{place}" for place in range(len(kinds) - 1)]
    inputs = [tuple(node.input), *((name,) for name in between)]
    outputs = [*((name,) for name in between), tuple(node.output)]
    return [
        GraphOperator(kind=kind, inputs=source, outputs=target)
        for kind, source, target in zip(kinds, inputs, outputs, strict=True)
    ]


def _on_image(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Nodes that compute with pixels: what depends on the image's size alone is constant in a TFLite file."""
    nodes = image_nodes(model)
    pixels = {model.graph.input[0].name, *(name for node in nodes for name in node.output)}
    factors = {node.output[0]: node.input[0] for node in nodes if _is_folded(node, nodes, pixels)}
    kept = [_copied(node) for node in nodes if node.output[0] not in factors]
    for node in kept:
        node.input[:] = [factors.get(name, name) for name in node.input]
    return kept


def _copied(node: onnx.NodeProto) -> onnx.NodeProto:
    result = onnx.NodeProto()
    result.CopyFrom(node)
    return result


def _is_folded(node: onnx.NodeProto, nodes: Sequence[onnx.NodeProto], pixels: Container[str]) -> bool:
    """Whether a node is a constant factor of what only convolutions read."""
    constant = node.op_type in ("Mul", "Div") and node.input[0] in pixels and node.input[1] not in pixels
    readers = {reader.op_type for reader in nodes if node.output[0] in reader.input}
    return constant and readers == {"Conv"}


def _main(job_file: str, result_file: str) -> None:
    job = read_record(DelegateJob, Path(job_file), remake="export again", file_names=True)
    wide = None if job.wide_file is None else onnx.load(job.wide_file)
    use = DelegateUse(
        delegate=DELEGATE,
        predicted=predict(onnx.load(job.onnx_file), graph=job.graph, wide=wide),
        found=delegation_of(Path(job.file)),
    )
    Path(result_file).write_text(to_json(use))


if __name__ == "__main__":
    _main(*sys.argv[1:])

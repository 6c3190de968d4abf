"""What delegates would refuse of the TFLite file that an ONNX graph will become, before it is converted.

The converter adds transposes and leaves others out, and folds what it can: kinds and reasons hold, counts may differ.
"""

from __future__ import annotations

from dataclasses import replace

import onnx

from edgesr.export.delegates import onnx_kinds
from edgesr.export.delegates.node_tensors import NodeTensors
from edgesr.export.graphs.fixed_size import fix_size
from edgesr.export.graphs.for_converter.rewriting import for_converter
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.delegates.operators import Operator
from edgesr.runtimes.delegates.registry import all_refusals
from edgesr.runtimes.delegates.rules import Refusals


def predicted_refusals(model: onnx.ModelProto, size: Size) -> tuple[Refusals, ...]:
    """Of a float32 graph (1,c,h,w) at an LR size."""
    return all_refusals(predicted_operators(fix_size(model, size)))


def predicted_operators(model: onnx.ModelProto) -> tuple[Operator, ...]:
    """TFLite operators that a graph of a fixed size will become; all transposes have the version that one needs."""
    written = onnx.shape_inference.infer_shapes(for_converter(model), data_prop=True)
    tensors = NodeTensors(written)
    made = [
        replace(operator, readers=_readers(node, tensors)) if place == last else operator
        for node in written.graph.node
        for operators in (onnx_kinds.operators(node, tensors),)
        for last in (len(operators) - 1,)
        for place, operator in enumerate(operators)
    ]
    version = max((one.version for one in made if one.kind == "TRANSPOSE"), default=1)
    return tuple(replace(one, version=version) if one.kind == "TRANSPOSE" else one for one in made)


def _readers(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[str, ...]:
    firsts = (onnx_kinds.operators(reader, tensors)[:1] for reader in tensors.readers(node))
    return tuple(operator.kind for first in firsts for operator in first)

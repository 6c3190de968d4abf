"""Predictions, before conversion, of what delegates would refuse of the TFLite file that an ONNX graph will become.

The converter adds transposes and leaves others out, and folds what it can: kinds and reasons hold, counts may differ.
"""

from __future__ import annotations

from dataclasses import replace

import onnx
from onnx import TensorProto
from onnx.shape_inference import InferenceError

from edgesr.export.delegates import onnx_kinds
from edgesr.export.delegates.node_tensors import NodeTensors
from edgesr.export.graphs.fixed_size import fix_size
from edgesr.export.graphs.for_converter.rewriting import for_converter
from edgesr.runtimes.adapters.ort import RUNTIME
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.delegates.operators import Operator
from edgesr.runtimes.delegates.registry import all_refusals
from edgesr.runtimes.delegates.rules import Refusals
from edgesr.runtimes.errors import EdgesrError
from edgesr.sr_model.generators.foreign.one_line import in_one_line

PREDICTED_SIDE = 48
"""Of the LR image that is predicted on, where a graph takes any."""

_QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")


def predicted_refusals(model: onnx.ModelProto, size: Size) -> tuple[Refusals, ...]:
    """The predicted refusals of a float32 graph (1,c,h,w) at an LR size; raises EdgesrError with one line if they
    cannot be told.
    """
    _require_float32(model)
    try:
        return all_refusals(predicted_operators(fix_size(model, size)))
    except _not_followed() as error:
        raise EdgesrError(in_one_line(error)) from error


def _not_followed() -> tuple[type[Exception], ...]:
    """Exceptions that running a graph at a size, and following its shapes, may raise."""
    return (*RUNTIME.failures(), InferenceError, RuntimeError, ValueError, LookupError, AttributeError)


def _require_float32(model: onnx.ModelProto) -> None:
    kinds = {node.op_type for node in model.graph.node}
    stored = {tensor.data_type for tensor in model.graph.initializer}
    images = {value.type.tensor_type.elem_type for value in model.graph.input}
    if images != {TensorProto.FLOAT} or TensorProto.FLOAT16 in stored or not kinds.isdisjoint(_QUANTIZED):
        raise EdgesrError("this is predicted for float32 graphs alone; convert the graph, and inspect the TFLite file")


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

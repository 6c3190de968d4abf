"""A model in the opset that edgesr writes, where the conversion works."""

from __future__ import annotations

import onnx
from onnx import version_converter

from edgesr.sr_model.generators.onnx_source.gelu import use_gelu
from edgesr.sr_model.generators.onnx_source.graph_edits import copied
from edgesr.sr_model.generators.onnx_source.standard_form import IR_VERSION

OPSET = 20
_REFUSALS = (RuntimeError, ValueError, IndexError)
"""What exceptions of the converter, which is written in C++, become in Python."""


def in_our_opset(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """A copy in our opset, None where ONNX cannot convert it; that it computes the same is for the caller to prove."""
    try:
        result: onnx.ModelProto = version_converter.convert_version(copied(model), OPSET)
    except _REFUSALS:
        return None
    use_gelu(result)
    result.ir_version = IR_VERSION
    del result.graph.value_info[:]
    try:
        onnx.checker.check_model(result)
    except onnx.checker.ValidationError:
        return None
    return result

"""What an ONNX file contains."""

from __future__ import annotations

import math
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import shape_inference

from benchmarks.tables import counts_text, shape_text
from runtimes.errors import InputError

_PROBE_SIDE = 32


def describe_onnx(path: Path) -> dict[str, str]:
    """Facts on an ONNX file; one that cannot be read is an InputError."""
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        raise InputError(f"{path}: not an ONNX model, or damaged: {str(error).splitlines()[0]}") from error
    return {**_facts(model), "MAC per HR pixel": _mac_text(model)}


def _facts(model: onnx.ModelProto) -> dict[str, str]:
    graph = model.graph
    return {
        "kind": f"ONNX, IR version {model.ir_version}, opset {max(o.version for o in model.opset_import)}",
        "parameters": f"{sum(math.prod(t.dims) for t in graph.initializer if len(t.dims) > 0):,}",
        "inputs": ", ".join(f"{i.name} {shape_text(_shape(i))} {_dtype(i)}" for i in graph.input),
        "outputs": ", ".join(f"{o.name} {shape_text(_shape(o))} {_dtype(o)}" for o in graph.output),
        "operators": counts_text([node.op_type for node in graph.node]),
    }


def _mac_text(model: onnx.ModelProto) -> str:
    try:
        return f"{_mac_per_output_pixel(model):,.1f}"
    except (shape_inference.InferenceError, KeyError, AssertionError):
        return "unknown: its shapes cannot be inferred"


def _mac_per_output_pixel(model: onnx.ModelProto) -> float:
    """Convolutions' multiply-accumulates an output pixel, at a fixed probe size where the model is dynamic."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for dim in fixed.graph.input[0].type.tensor_type.shape.dim:
        if not dim.HasField("dim_value"):
            dim.dim_value = _PROBE_SIDE
    del fixed.graph.value_info[:]
    for output in fixed.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(fixed, data_prop=True).graph
    shapes = {v.name: _shape(v) for v in (*inferred.value_info, *inferred.output, *inferred.input)}
    weights = {t.name: tuple(t.dims) for t in inferred.initializer}
    total = 0
    for node in inferred.node:
        if node.op_type == "Conv" and node.input[1] in weights:
            total += _pixels(shapes[node.output[0]]) * math.prod(weights[node.input[1]])
    return total / _pixels(shapes[inferred.output[0].name])


def _pixels(shape: tuple[int | None, ...]) -> int:
    height, width = shape[-2:]
    assert height is not None and width is not None
    return height * width


def _shape(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    return tuple(d.dim_value if d.HasField("dim_value") else None for d in value.type.tensor_type.shape.dim)


def _dtype(value: onnx.ValueInfoProto) -> str:
    return str(onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)).lower()

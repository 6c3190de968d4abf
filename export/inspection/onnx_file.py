"""The content of an ONNX file."""

from __future__ import annotations

import math
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import shape_inference

from edgesr.benchmarks.tables.table import counts_text, shape_text
from edgesr.export.delegates.prediction import PREDICTED_SIDE, predicted_refusals
from edgesr.export.inspection.inspected import UNKNOWN_SHAPES, Shape, first_line, per_pixel
from edgesr.runtimes.delegates.rules import Refusals
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import shown_name

_PROBE_SIDE = 32
"""Of the image that multiply-accumulates are counted on, which are told per pixel."""


def describe_onnx(path: Path) -> dict[str, str]:
    """Facts on an ONNX file; one that cannot be read is an InputError. External weights are not read."""
    try:
        model = onnx.load(path, load_external_data=False)
        _require_external_data(path, model)
        onnx.checker.check_model(path)
    except (DecodeError, onnx.checker.ValidationError, OSError, ValueError) as error:
        reason = first_line(error)
        raise InputError(f"not an ONNX model, or damaged: {reason}; export it again") from error
    return {**_facts(model), "MAC per HR pixel": _mac_text(model)}


def predicted_of(path: Path) -> tuple[Refusals, ...]:
    """Predictions of what delegates would refuse of the TFLite file that an ONNX file of an image will become.

    None of a file that takes no image (1,c,h,w); raises an EdgesrError where its graph cannot be followed.
    """
    model = onnx.load(path)
    shapes = [_shape(value) for value in model.graph.input]
    if len(shapes) != 1 or len(shapes[0]) != 4 or len(model.graph.output) != 1:
        return ()
    height, width = (side or PREDICTED_SIDE for side in shapes[0][2:])
    return predicted_refusals(model, (height, width))


def _require_external_data(path: Path, model: onnx.ModelProto) -> None:
    """Raise an InputError for weights that lie in other files, and are not there."""
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location" and not (path.parent / entry.value).is_file():
                name = shown_name(entry.value)
                raise InputError(f"its weights lie in {name}, which is not next to it: copy that file there too")


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
        shapes = _inferred_shapes(model)
    except shape_inference.InferenceError:
        return UNKNOWN_SHAPES
    output = shapes.get(model.graph.output[0].name) if model.graph.output else ()
    return per_pixel(_convolution_macs(model, shapes), output, layout="NCHW")


def _inferred_shapes(model: onnx.ModelProto) -> dict[str, Shape]:
    """Shapes of all tensors by name, at a fixed probe size where the model is dynamic."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value in fixed.graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if not dim.HasField("dim_value"):
                dim.dim_value = _PROBE_SIDE
    del fixed.graph.value_info[:]
    for output in fixed.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(fixed, data_prop=True).graph
    values = (*inferred.value_info, *inferred.output, *inferred.input)
    return {v.name: _shape(v) for v in values if v.type.tensor_type.HasField("shape")}


def _convolution_macs(model: onnx.ModelProto, shapes: dict[str, Shape]) -> int | None:
    """Multiply-accumulates of all convolutions of one image; None where a shape is not known."""
    weights = {t.name: tuple(t.dims) for t in model.graph.initializer}
    total = 0
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[1] in weights:
            pixels = shapes.get(node.output[0], ())[2:]
            if not pixels or None in pixels:
                return None
            total += math.prod(side or 0 for side in pixels) * math.prod(weights[node.input[1]])
    return total


def _shape(value: onnx.ValueInfoProto) -> Shape:
    return tuple(d.dim_value if d.HasField("dim_value") else None for d in value.type.tensor_type.shape.dim)


def _dtype(value: onnx.ValueInfoProto) -> str:
    kind = value.type.tensor_type.elem_type
    return next((name.lower() for name, number in onnx.TensorProto.DataType.items() if number == kind), f"type {kind}")

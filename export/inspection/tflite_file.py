"""The content of a TFLite file. Needs LiteRT only."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgesr.benchmarks.tables.table import counts_text, shape_text
from edgesr.export.inspection.inspected import Shape, first_line, per_pixel
from edgesr.runtimes.errors import InputError

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def describe_tflite(path: Path) -> dict[str, str]:
    """Facts on a TFLite file; one that cannot be read is an InputError."""
    try:
        interpreter = Interpreter(
            model_path=str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        operators = interpreter._get_ops_details()
        tensors = {t["index"]: t for t in interpreter.get_tensor_details()}
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError) as error:
        reason = first_line(error)
        raise InputError(f"not a TFLite model, or damaged: {reason}; export it again") from error
    return {
        "kind": "TFLite",
        "parameters": f"{_constants(operators, tensors, inputs):,}",
        "MAC per HR pixel": per_pixel(_convolution_macs(operators, tensors), _shape(outputs), layout="NHWC"),
        "inputs": _tensors_text(inputs),
        "outputs": _tensors_text(outputs),
        "operators": counts_text([o["op_name"] for o in operators]),
    }


def _constants(operators: list[dict[str, Any]], tensors: dict[int, Any], inputs: list[dict[str, Any]]) -> int:
    """Float and integer constants of rank 1 and more: tensors that are read, but neither computed nor given."""
    computed = {int(i) for o in operators for i in o["outputs"]} | {int(t["index"]) for t in inputs}
    read = {int(i) for o in operators if o["op_name"] in (*_CONVOLUTIONS, "PRELU") for i in o["inputs"] if i >= 0}
    return sum(math.prod(int(s) for s in tensors[i]["shape"]) for i in read - computed)


def _convolution_macs(operators: list[dict[str, Any]], tensors: dict[int, Any]) -> int | None:
    """Multiply-accumulates of all convolutions of one image; None where a shape is not known."""
    total = 0
    for operator in operators:
        if operator["op_name"] in _CONVOLUTIONS:
            made, weights = _shapes(operator["outputs"][:1], tensors), _shapes(operator["inputs"][1:2], tensors)
            if not made or not weights or len(made[0]) != 4:
                return None
            total += made[0][1] * made[0][2] * math.prod(weights[0])
    return total


def _shapes(indices: Iterable[Any], tensors: dict[int, Any]) -> list[list[int]]:
    """Shapes of those tensors that there are: a damaged operator may name none, or others."""
    return [[int(side) for side in tensors[int(index)]["shape"]] for index in indices if int(index) in tensors]


def _shape(outputs: list[dict[str, Any]]) -> Shape:
    return _signature(outputs[0]) if outputs else ()


def _tensors_text(details: list[dict[str, Any]]) -> str:
    return ", ".join(f"{t['name']} {shape_text(_signature(t))} {t['dtype'].__name__}" for t in details)


def _signature(tensor: dict[str, Any]) -> Shape:
    """The shape in the signature; None if a side is dynamic: the file has -1 there, and 1 in its shape."""
    return tuple(None if side < 0 else int(side) for side in tensor["shape_signature"])

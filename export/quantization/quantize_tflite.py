"""Lower-precision TFLite files, made from the float32 one by the tools that do it well.

fp16, w8, w8d, w8a16   litert-quantizer, on the convolutions of the tile graph alone
int8                   TensorFlow's MLIR quantizer, with our ranges, weights, biases and choice of layers; convolutions
                       that stay in float get float16 weights from litert-quantizer

Everything else of a full graph (noise level, projection, clip) stays in float32. Both tools print and are large: they
run in a process of their own.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema

from edgesr.export.graphs.depth_to_space import use_dcr_order
from edgesr.export.graphs.onnx_graph import constant, convolutions
from edgesr.export.graphs.tflite_graph import (
    constant_values,
    match_convolutions,
    match_tensors,
    operator_name,
    read_tflite,
    set_constant,
    tensor_name,
    write_tflite,
)
from edgesr.export.quantization.plan import Plan, Range
from edgesr.export.quantization.search import planned_weights
from edgesr.export.quantization.vanishing_channels import keep_biases
from edgesr.export.quantization.weight_rounding import LEVELS_8BIT, round_weights
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.bundle.calibrated_quantization import Scope
from edgesr.runtimes.bundle.manifest import Precision
from edgesr.runtimes.json_file import read_json

# Not PRELU: XNNPACK has it in float alone, and one int8 PRELU splits the delegate (docs/quantization.md).
_INT8_OPERATORS = ("ADD", "DEPTH_TO_SPACE", "LEAKY_RELU", "MIRROR_PAD", "PAD", "RELU")
_SOURCE_FILE, _JOB_FILE, _RESULT_FILE = "float.tflite", "job.json", "quantized.tflite"


def convert_weights(content: bytes, tile_graph: onnx.ModelProto, precision: Precision) -> bytes:
    """fp16, w8 or w8d from a float32 file: the weights of the tile graph's convolutions."""
    model = read_tflite(content)
    matched = match_convolutions(model, use_dcr_order(tile_graph))
    if precision != "fp16":
        _set_weights(model, matched, tile_graph, _on_8bit_grid(tile_graph))
    return _convert_layers(write_tflite(model), _names(model, matched), precision)


def quantize_to_int16(content: bytes, tile_graph: onnx.ModelProto, ranges: Mapping[str, Range]) -> bytes:
    """w8a16 from a float32 file: convolutions with int8 weights and symmetric int16 activations."""
    model = read_tflite(content)
    reference = use_dcr_order(tile_graph)
    matched = match_convolutions(model, reference)
    bounds = {
        tensor_name(model, index): max(-ranges[name][0], ranges[name][1])
        for index, name in match_tensors(model, reference, matched).items()
        if name in ranges
    }
    _set_weights(model, matched, tile_graph, _on_8bit_grid(tile_graph))
    planned = write_tflite(model)
    return keep_biases(_convert_layers(planned, _names(model, matched), "w8a16", bounds), planned)


def quantize_to_int8(content: bytes, tile_graph: onnx.ModelProto, plan: Plan) -> bytes:
    """int8 from a float32 file by a plan for its tile graph; input and output stay float32."""
    model = read_tflite(content)
    reference = use_dcr_order(tile_graph)
    matched = match_convolutions(model, reference)
    names = match_tensors(model, reference, matched)
    _set_weights(model, matched, tile_graph, planned_weights(tile_graph, plan, reduced_range=False))
    for index, name in names.items():
        if name in plan.ranges:
            low, high = plan.ranges[name]
            model.subgraphs[0].tensors[index].quantization = schema.QuantizationParametersT(min=[low], max=[high])
    integer = [op for node, op in matched.items() if node not in plan.float_layers]
    kept = _float_operators(model, integer, names, plan.scope)
    quantized = _in_process(write_tflite(model), {"kept_in_float": kept})
    float_layers = [tensor_name(model, matched[node].outputs[0]) for node in plan.float_layers]
    return _convert_layers(quantized, float_layers, "fp16") if float_layers else quantized


def _on_8bit_grid(tile_graph: onnx.ModelProto) -> onnx.ModelProto:
    return round_weights(tile_graph, [node.name for node in convolutions(tile_graph)], LEVELS_8BIT)


def _names(model: Any, matched: Mapping[str, Any]) -> list[str]:
    return [tensor_name(model, operator.outputs[0]) for operator in matched.values()]


def _set_weights(model: Any, matched: Mapping[str, Any], tile_graph: onnx.ModelProto, planned: onnx.ModelProto) -> None:
    """Carry weights and biases over, with the constant factor that the converter folded into the weights.

    Weights that are all zero show no factor and need none.
    """
    before, after = use_dcr_order(tile_graph), use_dcr_order(planned)
    for node in convolutions(after):
        operator = matched[node.name]
        original = np.abs(constant(before, node.input[1])).max()
        factor = np.abs(constant_values(model, operator.inputs[1])).max() / original if original > 0 else 1.0
        weights = constant(after, node.input[1]).transpose(0, 2, 3, 1)
        set_constant(model, operator, 1, (weights * factor).astype(np.float32))
        if len(node.input) > 2:
            set_constant(model, operator, 2, constant(after, node.input[2]).astype(np.float32))


def _float_operators(model: Any, integer: Iterable[Any], names: Mapping[int, str], scope: Scope) -> list[str]:
    """Names of the operators that must stay in float: those outside the tile graph, and by the plan.

    Upsampling by convolution stays in float, its DEPTH_TO_SPACE included.
    """
    chosen = {id(op) for op in integer}
    others = _INT8_OPERATORS if scope == "all" else ()

    def becomes_int8(operator: Any) -> bool:
        inside = int(operator.inputs[0]) in names and int(operator.outputs[0]) in names
        return id(operator) in chosen or (operator_name(model, operator) in others and inside)

    return [tensor_name(model, op.outputs[0]) for op in model.subgraphs[0].operators if not becomes_int8(op)]


def _convert_layers(
    content: bytes, layers: Sequence[str], precision: Precision, bounds: Mapping[str, float] | None = None
) -> bytes:
    """Convolutions of these names (of their outputs) by litert-quantizer; ``bounds`` of int16 tensors by name."""
    return _in_process(content, {"layers": list(layers), "precision": precision, "bounds": dict(bounds or {})})


def _in_process(content: bytes, job: dict[str, Any]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="edgesr-quantize-") as name:
        folder = Path(name)
        (folder / _SOURCE_FILE).write_bytes(content)
        (folder / _JOB_FILE).write_text(json.dumps(job))
        result = folder / _RESULT_FILE
        what = "the TFLite file could not be quantized"
        run_converter("edgesr.export.quantization.quantize_tflite", [name], folder=folder, result=result, what=what)
        return result.read_bytes()


def _quantize_here(folder: Path) -> None:
    job = read_json(folder / _JOB_FILE, remake="export again")
    content = (folder / _SOURCE_FILE).read_bytes()
    if "kept_in_float" in job:
        from tensorflow.lite.python.convert import mlir_quantize

        quantized = mlir_quantize(content, denylisted_nodes=set(job["kept_in_float"]))
    else:
        quantized = _convert_layers_here(content, job["layers"], job["precision"], job["bounds"])
    (folder / _RESULT_FILE).write_bytes(quantized)


def _convert_layers_here(content: bytes, layers: list[str], precision: Precision, bounds: dict[str, float]) -> bytes:
    from litert_quantizer import qtyping
    from litert_quantizer.algorithm_manager import AlgorithmName
    from litert_quantizer.quantizer import Quantizer

    quantizer = Quantizer(bytearray(content))
    operation = qtyping.TFLOperationName.CONV_2D
    for layer in layers:
        pattern = f"^{re.escape(layer)};"
        if precision == "fp16":
            quantizer.add_weight_only_config(pattern, operation, 16, algorithm_key=AlgorithmName.FLOAT_CASTING)
        elif precision == "w8":
            quantizer.add_weight_only_config(pattern, operation, 8)
        elif precision == "w8d":
            quantizer.add_dynamic_config(pattern, operation, 8)
        else:
            quantizer.add_static_config(pattern, operation, 16, 8)
    ends = {name: np.full((1, 1, 1, 1), bound, dtype=np.float32) for name, bound in bounds.items()}
    statistics = {name: {"min": -end, "max": end} for name, end in ends.items()}
    return bytes(quantizer.quantize(statistics or None).quantized_model)


if __name__ == "__main__":
    _quantize_here(Path(sys.argv[1]))

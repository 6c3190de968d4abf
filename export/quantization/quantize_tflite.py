"""Lower-precision TFLite files, made from the float32 one by the tools that do it well.

fp16, w8, w8d, w8a16   litert-quantizer, on the convolutions of the tile graph alone
int8                   TensorFlow's MLIR quantizer, with our ranges, weights, biases and choice of layers; convolutions
                       that stay in float get float16 weights from litert-quantizer

Everything else of a full graph (noise level, projection, clip) stays in float32. Both tools print and are large: they
run in a process of their own.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema

from edgesr.export.graphs.depth_to_space import use_dcr_order
from edgesr.export.graphs.onnx_graph import constant, weighted_nodes
from edgesr.export.graphs.tflite_graph import (
    constant_values,
    operator_name,
    set_constant,
    tensor_name,
    write_tflite,
)
from edgesr.export.graphs.tile_in_tflite import find_tile
from edgesr.export.quantization.plan import Plan, Range
from edgesr.export.quantization.planning.application import planned_weights
from edgesr.export.quantization.vanishing_channels import keep_biases
from edgesr.export.quantization.weight_rounding import on_8bit_grid
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.calibrated_quantization import Scope
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

# Not PRELU: XNNPACK has it in float alone, and one int8 PRELU splits the delegate (docs/quantization.md).
_INT8_OPERATORS = ("ADD", "DEPTH_TO_SPACE", "LEAKY_RELU", "MIRROR_PAD", "PAD", "RELU")
_SAME = 1e-5
_SOURCE_FILE, _JOB_FILE, _RESULT_FILE = "float.tflite", "job.json", "quantized.tflite"


@dataclass(frozen=True, kw_only=True)
class LayerRecipe:
    """How litert-quantizer stores a convolution: `add_METHOD_config` of its quantizer, with bits and algorithm."""

    method: Literal["weight_only", "dynamic", "static"]
    bits: tuple[int, ...]
    algorithm: str = "min_max_uniform_quantize"


FLOAT16 = LayerRecipe(method="weight_only", bits=(16,), algorithm="float_casting")
WEIGHTS_8BIT = LayerRecipe(method="weight_only", bits=(8,))
DYNAMIC_8BIT = LayerRecipe(method="dynamic", bits=(8,))
ACTIVATIONS_16BIT = LayerRecipe(method="static", bits=(16, 8))


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What the other process does: int8 of all operators but ``kept_in_float`` (None: of none), then ``layers``.

    Operators and layers go by the names of their outputs; ``bounds`` of int16 tensors by name.
    """

    kept_in_float: tuple[str, ...] | None = None
    layers: tuple[str, ...] = ()
    recipe: LayerRecipe | None = None
    bounds: dict[str, float] = field(default_factory=dict)


def convert_weights(model: Any, tile_graph: onnx.ModelProto, recipe: LayerRecipe) -> bytes:
    """A float32 file with the weights of the tile graph's convolutions stored by a recipe."""
    matched = find_tile(model, use_dcr_order(tile_graph)).convolutions
    return _in_process(write_tflite(model), _Job(layers=_names(model, matched.values()), recipe=recipe))


def convert_to_8bit_weights(model: Any, tile_graph: onnx.ModelProto, recipe: LayerRecipe) -> bytes:
    """The same, with weights that are on the grid of 8 bits before; the model is changed."""
    matched = find_tile(model, use_dcr_order(tile_graph)).convolutions
    _set_weights(model, matched, tile_graph, on_8bit_grid(tile_graph))
    return _in_process(write_tflite(model), _Job(layers=_names(model, matched.values()), recipe=recipe))


def quantize_to_int16(model: Any, tile_graph: onnx.ModelProto, ranges: Mapping[str, Range]) -> bytes:
    """Convolutions with int8 weights and symmetric int16 activations, from a float32 model, which is changed."""
    tile = find_tile(model, use_dcr_order(tile_graph))
    bounds = {
        tensor_name(model, index): max(-ranges[name][0], ranges[name][1])
        for index, name in tile.tensors.items()
        if name in ranges
    }
    _set_weights(model, tile.convolutions, tile_graph, on_8bit_grid(tile_graph))
    job = _Job(layers=_names(model, tile.convolutions.values()), recipe=ACTIVATIONS_16BIT, bounds=bounds)
    return keep_biases(_in_process(write_tflite(model), job), model)


def quantize_to_int8(model: Any, tile_graph: onnx.ModelProto, plan: Plan) -> bytes:
    """int8 by a plan for the tile graph, from a float32 model, which is changed; input and output stay float32."""
    tile = find_tile(model, use_dcr_order(tile_graph))
    matched, names = tile.convolutions, tile.tensors
    _set_weights(model, matched, tile_graph, planned_weights(tile_graph, plan, reduced_range=False))
    for index, name in names.items():
        if name in plan.ranges:
            low, high = plan.ranges[name]
            model.subgraphs[0].tensors[index].quantization = schema.QuantizationParametersT(min=[low], max=[high])
    integer = [op for node, op in matched.items() if node not in plan.float_layers]
    kept = _float_operators(model, integer, names, plan.scope)
    float_layers = _names(model, (matched[node] for node in plan.float_layers))
    return _in_process(write_tflite(model), _Job(kept_in_float=kept, layers=float_layers, recipe=FLOAT16))


def _names(model: Any, operators: Iterable[Any]) -> tuple[str, ...]:
    return tuple(tensor_name(model, operator.outputs[0]) for operator in operators)


def _set_weights(model: Any, matched: Mapping[str, Any], tile_graph: onnx.ModelProto, planned: onnx.ModelProto) -> None:
    """Carry weights and biases over, with the constant factor and shift that the converter folded into them."""
    before, after = use_dcr_order(tile_graph), use_dcr_order(planned)
    biases = {node.name: constant(before, node.input[2]) for node in weighted_nodes(before) if len(node.input) > 2}
    for node in weighted_nodes(after):
        operator = matched[node.name]
        original = constant(before, node.input[1]).transpose(0, 2, 3, 1)
        factor = _folded_factor(constant_values(model, operator.inputs[1]), original, node.name)
        weights = constant(after, node.input[1]).transpose(0, 2, 3, 1)
        set_constant(model, operator, 1, (weights * factor).astype(np.float32))
        if len(node.input) > 2:
            found, bias = constant_values(model, operator.inputs[2]), constant(after, node.input[2])
            carried = _carried_bias(found, biases.get(node.name, np.zeros_like(bias)), bias, factor, node.name)
            set_constant(model, operator, 2, carried.astype(np.float32))


def _folded_factor(found: FloatArray, original: FloatArray, name: str) -> np.float32:
    """The factor of all weights of a convolution; 1 where they are all zero, which shows no factor and needs none."""
    largest = np.unravel_index(np.abs(original).argmax(), original.shape)
    if original[largest] == 0:
        return np.float32(1)
    factor = np.float32(found[largest] / original[largest])
    if np.abs(found - original * factor).max() > _SAME * np.abs(found).max():
        raise EdgesrError(f"the converter folded factors of channels into the weights of {name}; report this model")
    return factor


def _carried_bias(
    found: FloatArray, original: FloatArray, planned: FloatArray, factor: np.float32, name: str
) -> FloatArray:
    """The planned bias of an ONNX convolution as that of its operator, whose bias ``found`` was ``original``.

    A factor before the convolution leaves its bias alone; one behind it multiplies it; a shift behind it is added.
    """
    for gain in (np.float32(1), factor):
        if np.abs(found - original * gain).max() <= _SAME * max(np.abs(found).max(), np.abs(original * gain).max()):
            return planned * gain
    if abs(factor - 1) > _SAME:
        raise EdgesrError(f"the converter folded a factor and a shift into {name}; report this model")
    return planned + (found - original)


def _float_operators(model: Any, integer: Iterable[Any], names: Mapping[int, str], scope: Scope) -> tuple[str, ...]:
    """Names of the operators that must stay in float: those outside the tile graph, and by the plan.

    Upsampling by convolution stays in float, its DEPTH_TO_SPACE included.
    """
    chosen = {id(op) for op in integer}
    others = _INT8_OPERATORS if scope == "all" else ()

    def becomes_int8(operator: Any) -> bool:
        inside = int(operator.inputs[0]) in names and int(operator.outputs[0]) in names
        return id(operator) in chosen or (operator_name(model, operator) in others and inside)

    return _names(model, (op for op in model.subgraphs[0].operators if not becomes_int8(op)))


def _in_process(content: bytes, job: _Job) -> bytes:
    with tempfile.TemporaryDirectory(prefix="edgesr-quantize-") as name:
        folder = Path(name)
        (folder / _SOURCE_FILE).write_bytes(content)
        (folder / _JOB_FILE).write_text(to_json(job))
        result = folder / _RESULT_FILE
        what = "the TFLite file could not be quantized"
        run_converter("edgesr.export.quantization.quantize_tflite", [name], folder=folder, result=result, what=what)
        return result.read_bytes()


def _quantize_here(folder: Path) -> None:
    job = read_record(_Job, folder / _JOB_FILE, remake="export again")
    content = (folder / _SOURCE_FILE).read_bytes()
    if job.kept_in_float is not None:
        from tensorflow.lite.python.convert import mlir_quantize

        content = mlir_quantize(content, denylisted_nodes=set(job.kept_in_float))
    if job.layers and job.recipe is not None:
        content = _convert_layers(content, job.layers, job.recipe, job.bounds)
    (folder / _RESULT_FILE).write_bytes(content)


def _convert_layers(content: bytes, layers: Iterable[str], recipe: LayerRecipe, bounds: Mapping[str, float]) -> bytes:
    """Convolutions of these names by litert-quantizer."""
    from litert_quantizer import qtyping
    from litert_quantizer.quantizer import Quantizer

    quantizer = Quantizer(bytearray(content))
    configure = getattr(quantizer, f"add_{recipe.method}_config")
    for layer in layers:
        pattern = f"^{re.escape(layer)};"
        configure(pattern, qtyping.TFLOperationName.CONV_2D, *recipe.bits, algorithm_key=recipe.algorithm)
    ends = {name: np.full((1, 1, 1, 1), bound, dtype=np.float32) for name, bound in bounds.items()}
    statistics = {name: {"min": -end, "max": end} for name, end in ends.items()}
    return bytes(quantizer.quantize(statistics or None).quantized_model)


if __name__ == "__main__":
    _quantize_here(Path(sys.argv[1]))

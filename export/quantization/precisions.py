"""Files of lower precision from the float32 ones: which rewrite makes which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from edgesr.export.graphs.onnx_graph import convolutions, sort_nodes
from edgesr.export.graphs.splice import splice
from edgesr.export.quantization.float16 import convert_arithmetic_to_float16, store_weights_in_float16
from edgesr.export.quantization.plan import Plan, Range
from edgesr.export.quantization.quantize_onnx import quantize_onnx
from edgesr.export.quantization.quantize_tflite import convert_weights, quantize_to_int8, quantize_to_int16
from edgesr.export.quantization.ranges import choose_range, collect_histograms, image_ranges
from edgesr.export.quantization.search import apply_plan
from edgesr.export.quantization.weight_rounding import LEVELS_8BIT, round_weights
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Precision


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a rewrite needs beside the float32 file: the tile graph, and a plan (int8) or ranges (w8a16)."""

    precision: Precision
    tile_file: Path
    plan: Plan | None = None
    ranges: Mapping[str, Range] | None = None


def rewrite_onnx(recipe: Recipe, *, full_file: Path | None, path: Path, tiles: Sequence[FloatArray]) -> None:
    """Write the tile graph, or the full graph of ``full_file`` around it; ``tiles`` (3,h,w) are small photographs."""
    tile_graph = onnx.load(recipe.tile_file)
    rewritten = _rewrite_tile_graph(recipe, tile_graph, tiles)
    if full_file is not None:
        rewritten = splice(onnx.load(full_file), tile_graph, rewritten, tiles[0])
    sort_nodes(rewritten)
    onnx.checker.check_model(rewritten)
    onnx.save(rewritten, path)


def rewrite_tflite(recipe: Recipe, *, source: Path, path: Path) -> None:
    """Write a TFLite file, tile or full graph, from the float32 one."""
    tile_graph, content = onnx.load(recipe.tile_file), source.read_bytes()
    if recipe.precision == "int8":
        assert recipe.plan is not None
        path.write_bytes(quantize_to_int8(content, tile_graph, recipe.plan))
    elif recipe.precision == "w8a16":
        assert recipe.ranges is not None
        path.write_bytes(quantize_to_int16(content, tile_graph, recipe.ranges))
    else:
        path.write_bytes(convert_weights(content, tile_graph, recipe.precision))


def wide_ranges(tile_graph: onnx.ModelProto, tiles: Sequence[FloatArray]) -> dict[str, Range]:
    """Ranges for 16-bit activations: twice those of the image and of the convolutions' inputs and outputs."""
    used = (name for node in convolutions(tile_graph) for name in (node.input[0], node.output[0]))
    tensors = list(dict.fromkeys((tile_graph.graph.input[0].name, *used)))
    ranges = {n: choose_range(h, "minmax") for n, h in collect_histograms(tile_graph, tensors, tiles).items()}
    return {n: (2 * low, 2 * high) for n, (low, high) in (ranges | image_ranges(tile_graph, tensors)).items()}


def _rewrite_tile_graph(recipe: Recipe, model: onnx.ModelProto, tiles: Sequence[FloatArray]) -> onnx.ModelProto:
    if recipe.precision == "fp16":
        return store_weights_in_float16(model)
    if recipe.precision == "fp16a":
        return convert_arithmetic_to_float16(model, tiles)
    if recipe.precision == "int8":
        assert recipe.plan is not None
        return store_weights_in_float16(apply_plan(model, recipe.plan))
    assert recipe.ranges is not None
    rounded = round_weights(model, [node.name for node in convolutions(model)], LEVELS_8BIT)
    return quantize_onnx(rounded, recipe.ranges, scope="conv", reduced_range=False, activation_bits=16)

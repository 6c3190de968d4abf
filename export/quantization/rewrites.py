"""Files of lower precision from the float32 ones: the rewrites of the table of precisions, from file to file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx

from edgesr.export.graphs.onnx_graph import input_channels, sort_nodes
from edgesr.export.graphs.splice import splice
from edgesr.export.graphs.tflite_graph import read_tflite
from edgesr.export.quantization.plan import Calibrated
from edgesr.export.quantization.precisions import PRECISIONS
from edgesr.export.records import write_float_layers
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Precision
from edgesr.runtimes.glue.colour import network_image


def rewrite_onnx(
    precision: Precision,
    tile_file: Path,
    calibrated: Calibrated,
    *,
    full_file: Path | None,
    path: Path,
    tiles: Sequence[FloatArray],
) -> None:
    """Write the tile graph, or the full graph of ``full_file`` around it; ``tiles`` (3,h,w) are small photographs."""
    rewrite = PRECISIONS[precision].rewrite_onnx
    assert rewrite is not None
    tile_graph = onnx.load(tile_file)
    tiles = [tile if input_channels(tile_graph) == 3 else network_image(tile, "grey") for tile in tiles]
    rewritten = rewrite(tile_graph, calibrated, tiles)
    if full_file is not None:
        rewritten = splice(onnx.load(full_file), tile_graph, rewritten, tiles[0])
    sort_nodes(rewritten)
    onnx.checker.check_model(rewritten)
    onnx.save(rewritten, path)


def rewrite_tflite(precision: Precision, tile_file: Path, calibrated: Calibrated, *, source: Path, path: Path) -> None:
    """Write a TFLite file, tile or full graph, from the float32 one, and which layers stay float32 in it."""
    rewrite = PRECISIONS[precision].rewrite_tflite
    assert rewrite is not None
    quantized = rewrite(read_tflite(source.read_bytes()), onnx.load(tile_file), calibrated)
    path.write_bytes(quantized.content)
    write_float_layers(path.parent, quantized.float_layers)

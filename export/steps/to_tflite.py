"""A float32 ONNX file of one graph -> a float32 TFLite file of a fixed LR size."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.conversions.graph_names import INPUT_NAME, OUTPUT_NAMES
from edgesr.runtimes.bundle.manifest import GraphKind, Size


def convert(folder: Path, onnx_file: Path, graph: GraphKind, tile_size: Size, *, delegate: str | None) -> None:
    """Write ``model.tflite``; that of a tile graph can be resized by its runtime.

    ``delegate``: the one whose operator list the file is rewritten for.
    """
    import onnx

    from edgesr.export.conversions.to_tflite import export_tflite
    from edgesr.export.graphs.fixed_size import fix_size

    export_tflite(
        fix_size(onnx.load(onnx_file), tile_size),
        folder / "model.tflite",
        input_name=INPUT_NAME,
        output_name=OUTPUT_NAMES[graph],
        resizable=graph == "tile",
        delegate=delegate,
    )

"""A float32 ONNX file -> one of lower precision."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.rewriting import Rewriting, rewrite_tiles
from edgesr.runtimes.bundle.manifest import GraphKind


def rewrite(folder: Path, rewriting: Rewriting, source: Path, graph: GraphKind) -> None:
    """Write ``model.onnx`` from the float32 file ``source`` of a graph."""
    from edgesr.export.quantization.rewrites import rewrite_onnx

    rewrite_onnx(
        rewriting.precision,
        rewriting.tile_file,
        rewriting.calibrated_for_tile_file(),
        full_file=source if graph == "full" else None,
        path=folder / "model.onnx",
        tiles=rewrite_tiles(),
    )

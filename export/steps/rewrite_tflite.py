"""A float32 TFLite file -> one of lower precision."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.bundle.manifest import GraphKind


def rewrite(folder: Path, rewriting: Rewriting, source: Path, _graph: GraphKind) -> None:
    """Write ``model.tflite`` from the float32 file ``source``; its tile graph is found in it, whatever its graph."""
    from edgesr.export.quantization.rewrites import rewrite_tflite

    calibrated = rewriting.calibrated_for_tile_file()
    rewrite_tflite(rewriting.precision, rewriting.tile_file, calibrated, source=source, path=folder / "model.tflite")

"""A float32 TFLite file -> one of lower precision."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.rewriting import Rewriting


def rewrite(folder: Path, rewriting: Rewriting, source: Path) -> None:
    """Write ``model.tflite`` from the float32 file ``source``, of a tile or a full graph."""
    from edgesr.export.quantization.precisions import rewrite_tflite

    rewrite_tflite(rewriting.recipe(), source=source, path=folder / "model.tflite")

"""A float32 ONNX file -> one of lower precision."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.proof import proof_tiles
from edgesr.export.steps.rewriting import Rewriting


def rewrite(folder: Path, rewriting: Rewriting, full_file: Path | None) -> None:
    """Write ``model.onnx``: the tile graph, or the full graph of ``full_file``."""
    from edgesr.export.quantization.precisions import rewrite_onnx

    rewrite_onnx(rewriting.recipe(), full_file=full_file, path=folder / "model.onnx", tiles=proof_tiles())

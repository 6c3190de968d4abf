"""A float32 ONNX file -> one of lower precision."""

from __future__ import annotations

from pathlib import Path

from export.steps.rewriting import Rewriting

_PROOF_SIZES = ((32, 48), (33, 47))


def rewrite(folder: Path, rewriting: Rewriting, full_file: Path | None) -> None:
    """Write ``model.onnx``: the tile graph, or the full graph of ``full_file``."""
    from export.precisions import rewrite_onnx
    from export.samples import photograph

    tiles = [photograph("cat", size) for size in _PROOF_SIZES]
    rewrite_onnx(rewriting.recipe(), full_file=full_file, path=folder / "model.onnx", tiles=tiles)

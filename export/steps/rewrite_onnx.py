"""A float32 ONNX file -> one of lower precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.bundle.manifest import GraphKind

_SIZES = ((32, 48), (33, 47))


def rewrite(folder: Path, rewriting: Rewriting, source: Path, graph: GraphKind) -> None:
    """Write ``model.onnx`` from the float32 file ``source`` of a graph."""
    from edgesr.export.quantization.rewrites import rewrite_onnx

    rewrite_onnx(
        rewriting.precision,
        rewriting.tile_file,
        rewriting.calibrated_for_tile_file(),
        full_file=source if graph == "full" else None,
        path=folder / "model.onnx",
        tiles=_tiles(),
    )


def _tiles() -> list[NDArray[np.float32]]:
    """Small photographs (3,h,w) in [0,255] that rewrites of ONNX files run, one of even sides and one of odd ones."""
    from edgesr.export.calibration.photographs import photograph

    return [photograph("cat", size) for size in _SIZES]

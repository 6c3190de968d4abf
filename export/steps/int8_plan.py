"""The int8 plan of a tile graph: its int8 layers, their ranges and their biases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgesr.export.quantization.plan import AskedBudget, write_plan
from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod
from edgesr.runtimes.bundle.manifest import Glue

Tiles = Sequence[NDArray[np.float32]]


def search(
    folder: Path,
    tile_file: Path,
    *,
    tiles: Tiles,
    selection: Tiles,
    asked: AskedBudget,
    range_method: RangeMethod | None,
    scale: int,
    glue: Glue,
    photographs: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    tell: Callable[[str], None],
) -> None:
    """Write the plan of the float32 ONNX tile graph; ``tiles`` fix ranges, ``selection`` is measured on, (c,h,w).

    ``photographs``: LR (c,h,w) and HR (c,s*h,s*w) images that quality is measured on.
    """
    import onnx

    from edgesr.export.quantization.search import Planner
    from edgesr.runtimes.glue.bilinear import upsample_bilinear
    from edgesr.runtimes.glue.projection import apply_residual

    planner = Planner(
        onnx.load(tile_file),
        tuple(tiles),
        tuple(selection),
        lambda tile, residual: apply_residual(tile, residual, scale=scale, glue=glue),
        lambda tile: upsample_bilinear(tile, scale),
        tell,
        gives_picture=glue.upsample == "none",
        photographs=tuple(photographs),
    )
    write_plan(folder, planner.search(asked, range_method))

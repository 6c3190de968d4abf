"""Ranges of a tile graph for 16-bit activations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgesr.export.quantization.plan import write_ranges


def measure(folder: Path, tile_file: Path, tiles: Sequence[NDArray[np.float32]]) -> None:
    """Write the ranges of the float32 ONNX tile graph on ``tiles`` (3,h,w) in [0,255]."""
    import onnx

    from edgesr.export.quantization.ranges import wide_ranges

    write_ranges(folder, wide_ranges(onnx.load(tile_file), tiles))

"""Images to calibrate on that the tests share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.arrays import FloatArray, Pixels

GOLDEN = photograph("cat", (128, 128))


def noise(low: int, high: int, height: int = 144, width: int = 192, seed: int = 0) -> Pixels:
    """Random colours from low up to high, which is clipped at 255: twelve tiles of 48x48, all different."""
    values = np.random.default_rng([seed, low, high]).integers(low, high + 1, (height, width, 3))
    return values.clip(0, 255).astype(np.uint8)


def flats() -> Pixels:
    """Twelve flat tiles, all different."""
    cells = np.arange(60, 180, 10, dtype=np.uint8).reshape(3, 4, 1) + np.array([0, 3, 6], dtype=np.uint8)
    return cells.repeat(48, axis=0).repeat(48, axis=1)


def pixels_of(tile: FloatArray) -> Pixels:
    return tile.transpose(1, 2, 0).astype(np.uint8)


def contents(tiles: Sequence[FloatArray]) -> set[bytes]:
    return {tile.tobytes() for tile in tiles}

"""Calibration tiles as a network takes them: of its colour, and of sides that it can have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgesr.runtimes.arrays import FloatArray, Image
from edgesr.runtimes.bundle.contract import Colour, next_multiple
from edgesr.runtimes.glue.colour import network_image


def network_tiles(tiles: Sequence[Image], *, colour: Colour, least_side: int, multiple: int) -> tuple[FloatArray, ...]:
    """RGB tiles (3,h,w) -> what the network takes (c,h,w) in [0,255]; mirrored to larger sides where it needs them."""
    return tuple(_enlarged(network_image(tile, colour), least_side, multiple) for tile in tiles)


def _enlarged(tile: FloatArray, least_side: int, multiple: int) -> FloatArray:
    sides = tile.shape[1:]
    wanted = [next_multiple(max(side, least_side), multiple) for side in sides]
    added = [(0, target - side) for target, side in zip(wanted, sides, strict=True)]
    return np.pad(tile, [(0, 0), *added], mode="symmetric") if wanted != list(sides) else tile

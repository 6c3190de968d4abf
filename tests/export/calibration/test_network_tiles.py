"""Calibration tiles as a network takes them, and images at the ends of the range."""

from __future__ import annotations

import numpy as np
import pytest

from edgesr.export.calibration.extremes import extreme_tiles
from edgesr.export.calibration.network_tiles import network_tiles

TILE = np.random.default_rng(0).uniform(0, 255, (3, 48, 48)).astype(np.float32)


def test_tiles_that_fit_are_left_as_they_are() -> None:
    (same,) = network_tiles([TILE], colour="rgb", least_side=15, multiple=8)
    assert same is TILE


@pytest.mark.parametrize(("least", "multiple", "side"), [(1, 32, 64), (50, 1, 50), (60, 8, 64), (1, 5, 50)])
def test_larger_sides_are_mirrored(least: int, multiple: int, side: int) -> None:
    (tile,) = network_tiles([TILE], colour="rgb", least_side=least, multiple=multiple)
    assert tile.shape == (3, side, side)
    assert np.array_equal(tile[:, :48, :48], TILE)
    assert np.array_equal(tile[:, 48, :48], TILE[:, 47]) and np.array_equal(tile[:, :48, 49], TILE[:, :, 46])


def test_networks_of_one_channel_get_luma() -> None:
    red = np.zeros((3, 48, 48), dtype=np.float32)
    red[0] = 255
    (grey,), (luma,) = (network_tiles([red], colour=colour, least_side=1, multiple=1) for colour in ("grey", "luma"))
    assert grey.shape == luma.shape == (1, 48, 48)
    assert np.unique(grey) == pytest.approx([0.299 * 255], abs=1e-3)
    assert np.unique(luma) == pytest.approx([16 + 65.481], abs=1e-2)


def test_extremes() -> None:
    tiles = extreme_tiles(2, (10, 20))
    assert {name: np.unique(tile).tolist() for name, tile in tiles.items()} == {
        "grey": [128],
        "black": [0],
        "white": [255],
        "checkerboard": [0, 255],
    }
    assert all(tile.shape == (2, 10, 20) and tile.dtype == np.float32 for tile in tiles.values())
    row = [0] * 8 + [255] * 8 + [0] * 4
    assert tiles["checkerboard"][1].tolist() == [row] * 8 + [[255 - value for value in row]] * 2

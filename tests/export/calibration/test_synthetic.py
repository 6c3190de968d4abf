"""Made-up calibration tiles: 8 bits, by seed, with the statistics of photographs; their record."""

from __future__ import annotations

import re

import numpy as np

from edgesr.export.calibration.synthetic import synthetic_tiles
from edgesr.export.calibration.tiles import (
    CalibrationSet,
    calibration_warnings,
    synthetic_calibration,
)
from edgesr.runtimes.arrays import FloatArray
from tests.helpers.calibration_images import contents


def test_synthetic_tiles_are_8_bit_images_that_follow_their_seed() -> None:
    tiles = synthetic_tiles(6, (20, 32), seed=3)
    assert all(tile.shape == (3, 20, 32) and tile.dtype == np.float32 for tile in tiles)
    assert all(np.array_equal(tile, np.rint(tile)) and tile.min() >= 0 and tile.max() <= 255 for tile in tiles)
    assert contents(synthetic_tiles(4, (20, 32), seed=3)) == contents(tiles[:4])
    assert contents(synthetic_tiles(6, (20, 32), seed=4)) & contents(tiles) == contents(tiles[:3])
    assert [len(synthetic_tiles(count, (8, 8), seed=0)) for count in (0, 2, 3)] == [0, 2, 3]


def test_the_first_synthetic_tiles_are_flat_dark_and_saturated() -> None:
    flat, dark, saturated = synthetic_tiles(3, (24, 48), seed=0)
    assert np.all(flat == 128)
    assert (dark.min(), dark.max(), saturated.min(), saturated.max()) == (0, 12, 230, 255)
    assert np.all(np.diff(dark[0, 0]) >= 0) and np.all(dark == dark[:1, :1])
    assert 0.6 < (saturated == 255).mean() < 0.7


def test_leaves_have_the_statistics_of_photographs() -> None:
    """Differences of neighbours: heavy tails (3 is Gaussian), and alike at half the scale; brightness varies."""
    tiles = synthetic_tiles(27, (48, 48), seed=0)[3:]

    def kurtosis_and_spread(tile: FloatArray) -> tuple[float, float]:
        differences = np.diff(tile.mean(axis=0))
        return float((differences**4).mean() / (differences**2).mean() ** 2), float(differences.std())

    halves = [tile.reshape(3, 24, 2, 24, 2).mean((2, 4)) for tile in tiles]
    full, half = (np.median([kurtosis_and_spread(t) for t in group], axis=0) for group in (tiles, halves))
    assert full[0] > 5 and half[0] > 4
    assert 0.8 < half[1] / full[1] < 1.6
    means, contrasts = [tile.mean() for tile in tiles], [tile.std() for tile in tiles]
    assert min(means) < 80 and max(means) > 180
    assert min(contrasts) < 20 and max(contrasts) > 40


def test_synthetic_calibration() -> None:
    made, again = synthetic_calibration(), synthetic_calibration()
    assert (made.source, len(made.tiles), len(made.selection), made.warnings) == ("synthetic", 27, 9, ())
    assert made.sha256 == again.sha256
    assert {tile.shape for tile in (*made.tiles, *made.selection)} == {(3, 48, 48)}
    assert len(contents((*made.tiles, *made.selection))) == 36
    assert calibration_warnings(made.tiles) == ()
    plain = synthetic_tiles(3, (48, 48), seed=0)
    assert contents(made.tiles[:3]) == contents(plain) and not contents(plain) & contents(made.selection)


def test_record_and_checksum() -> None:
    tiles = tuple(synthetic_tiles(3, (16, 24), seed=0))
    record = CalibrationSet("somewhere", tiles[:2], tiles[2:], ("doubtful",)).record()
    assert (record.source, record.tiles, record.tile_size, record.warnings) == ("somewhere", 2, (16, 24), ("doubtful",))
    reshaped = tuple(tile.reshape(3, 24, 16) for tile in tiles)
    other_sets = [(tiles, ()), (tiles[:2], tiles[:1]), (tiles[1::-1], tiles[2:]), (reshaped[:2], reshaped[2:])]
    checksums = [CalibrationSet("", *groups, ()).sha256 for groups in other_sets[1:]]
    assert len({record.sha256, *checksums}) == 4 and re.fullmatch("[0-9a-f]{64}", record.sha256)

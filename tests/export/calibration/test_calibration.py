"""Calibration tiles that are drawn from a folder, and what is warned about."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesr.export.calibration.photographs import photograph, photograph_files
from edgesr.export.calibration.synthetic import synthetic_tiles
from edgesr.export.calibration.tiles import (
    calibration_warnings,
    folder_calibration,
)
from edgesr.runtimes.arrays import FloatArray, Pixels
from edgesr.runtimes.images.image_io import read_rgb8
from tests.helpers.calibration_images import GOLDEN, contents, flats, noise, pixels_of
from tests.helpers.hr_images import save

NAMES_OF_WARNINGS = ("no flat tile", "no dark tile", "no saturated tile")


def coordinates(height: int, width: int, owner: int = 0) -> Pixels:
    """An image of at most 1024x1024 whose colours tell the place of every pixel and the owner (0..15)."""
    y, x = np.mgrid[:height, :width]
    return np.stack([y % 256, x % 256, y // 256 * 64 + x // 256 * 16 + owner], axis=2).astype(np.uint8)


def place(tile: FloatArray) -> tuple[int, int]:
    """Row and column of a tile's first pixel in an image of ``coordinates``."""
    y, x, high = tile[:, 0, 0].astype(int)
    return int(y + high // 64 * 256), int(x + high // 16 % 4 * 256)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A folder that has nothing wrong: dark, flat, saturated and ordinary images, twelve tiles each."""
    images = {"dark": noise(0, 20), "flat": flats(), "ordinary": noise(20, 230), "saturated": noise(200, 300)}
    for name, pixels in images.items():
        save(tmp_path / "good" / f"{name}.png", pixels)
    return tmp_path / "good"


def test_folder_gives_tiles_of_all_its_images(good: Path) -> None:
    drawn, again = folder_calibration(good, []), folder_calibration(good, [])
    assert (drawn.source, len(drawn.tiles), len(drawn.selection)) == (str(good), 36, 12)
    assert drawn.sha256 == again.sha256 == drawn.record().sha256
    assert all(tile.shape == (3, 48, 48) and tile.dtype == np.float32 for tile in (*drawn.tiles, *drawn.selection))
    assert len(contents((*drawn.tiles, *drawn.selection))) == 48
    files = [read_rgb8(file) for file in sorted(good.iterdir())]
    cells = [{file[y : y + 48, x : x + 48].tobytes() for y in (0, 48, 96) for x in (0, 48, 96, 144)} for file in files]
    for tiles, count in ((drawn.tiles, 9), (drawn.selection, 3)):
        assert [sum(pixels_of(tile).tobytes() in own for tile in tiles) for own in cells] == [count] * 4


def test_names_that_are_no_text_are_recorded_with_escapes(good: Path) -> None:
    """The manifest is JSON, which cannot hold them."""
    Image.new("RGB", (8, 8)).save(good / "tiny.png")
    (good / "tiny.png").rename(good / os.fsdecode(b"tiny\xff.png"))
    drawn = folder_calibration(good.rename(good.with_name(os.fsdecode(b"good\xff"))), [])
    assert drawn.source.endswith(r"/good\udcff")
    assert any(r"tiny\udcff.png" in warning for warning in drawn.record().warnings)


def test_every_fourth_tile_is_for_selection(tmp_path: Path) -> None:
    for i in range(12):
        save(tmp_path / f"{i:02}.png", noise(0, 200, 48, 48, seed=i))
    images = [read_rgb8(tmp_path / f"{i:02}.png") for i in range(12)]
    drawn = folder_calibration(tmp_path, [])
    assert [pixels_of(tile).tobytes() for tile in drawn.selection] == [images[i].tobytes() for i in (3, 7, 11)]
    assert len(drawn.tiles) == 9


@pytest.mark.parametrize("size", [(48 * 3 + 20, 48 * 4 + 47), (700, 1000), (48, 600)])
def test_tiles_of_one_image_do_not_overlap_and_reach_all_over_it(tmp_path: Path, size: tuple[int, int]) -> None:
    image = coordinates(*size)
    save(tmp_path / "image.png", image)
    drawn = folder_calibration(tmp_path, [])
    tiles = [*drawn.tiles, *drawn.selection]
    places = [place(tile) for tile in tiles]
    assert len(tiles) == min(size[0] // 48 * (size[1] // 48), 48)
    assert [pixels_of(t).tobytes() for t in tiles] == [image[y : y + 48, x : x + 48].tobytes() for y, x in places]
    distances = np.abs(np.array(places)[:, None] - np.array(places)).max(axis=2)
    assert np.all(distances[~np.eye(len(tiles), dtype=bool)] >= 48)
    centres = np.array(places) + 24
    far = np.abs(np.indices(size)[:, ::10, ::10].reshape(2, -1, 1) - centres.T[:, None]).max(axis=0).min(axis=1)
    assert far.max() < 125


def test_the_first_tiles_of_large_images_lie_in_their_four_quarters(tmp_path: Path) -> None:
    for i in range(12):
        save(tmp_path / f"{i:02}.png", coordinates(600, 800, owner=i))
    drawn = folder_calibration(tmp_path, [])
    quarters: list[set[tuple[bool, bool]]] = [set() for _ in range(12)]
    for tile in (*drawn.tiles, *drawn.selection):
        y, x = place(tile)
        quarters[int(tile[2, 0, 0]) % 16].add((y + 24 > 300, x + 24 > 400))
    assert [len(found) for found in quarters] == [4] * 12


def test_tiles_come_from_images_all_over_a_large_folder(tmp_path: Path) -> None:
    for i in range(150):
        save(tmp_path / f"{i:03}.png", np.dstack([np.full((48, 48), i), coordinates(48, 48)[..., :2]]).astype(np.uint8))
    drawn = folder_calibration(tmp_path, [])
    owners = sorted(int(tile[0, 0, 0]) for tile in (*drawn.tiles, *drawn.selection))
    assert len(set(owners)) == 48
    assert owners[0] < 6 and owners[-1] > 143 and max(np.diff(owners)) <= 6


def test_a_large_image_fills_up_what_small_ones_lack(tmp_path: Path) -> None:
    save(tmp_path / "a.png", noise(0, 255, 480, 480))
    for i in range(5):
        save(tmp_path / f"small{i}.png", noise(100, 140, 50, 60, seed=i))
    drawn = folder_calibration(tmp_path, [])
    tiles = [*drawn.tiles, *drawn.selection]
    assert (len(tiles), sum(tile.max() < 150 for tile in tiles)) == (48, 5)


def test_equal_tiles_are_taken_once(tmp_path: Path) -> None:
    for name in ("a", "copy"):
        save(tmp_path / f"{name}.png", noise(0, 255))
    save(tmp_path / "grey.png", np.full((480, 480, 3), 128, np.uint8))
    drawn = folder_calibration(tmp_path, [])
    assert len(drawn.tiles) + len(drawn.selection) == len(contents((*drawn.tiles, *drawn.selection))) == 13


def test_a_good_folder_has_no_warnings(good: Path) -> None:
    assert folder_calibration(good, [GOLDEN]).warnings == ()


@pytest.mark.parametrize(
    ("missing", "warning"),
    [
        ("flat", "no flat tile: colours may shift in smooth areas; add a photograph of sky or of a wall"),
        ("dark", "no dark tile: ranges may clip shadows; add a dark photograph"),
        ("saturated", "no saturated tile: ranges may clip highlights; add an over-exposed photograph"),
    ],
)
def test_what_a_folder_lacks_is_named(good: Path, missing: str, warning: str) -> None:
    (good / f"{missing}.png").unlink()
    assert folder_calibration(good, []).warnings == (warning,)


def test_warnings_at_their_limits() -> None:
    def missing(tile: FloatArray) -> list[str]:
        return [w for w in NAMES_OF_WARNINGS if w in "\n".join(calibration_warnings([tile] * 24))]

    stripes = np.indices((3, 48, 48))[2] % 2 * 2.0 - 1
    base = np.full((3, 48, 48), 100, np.float32) + stripes.astype(np.float32) * 5
    assert missing(base) == list(NAMES_OF_WARNINGS)
    assert missing(100 + (base - 100) / 5 * np.float32(1.9)) == ["no dark tile", "no saturated tile"]
    one_channel_textured = np.concatenate([base[:1], np.full((2, 48, 48), 100, np.float32)])
    assert missing(one_channel_textured) == list(NAMES_OF_WARNINGS)
    assert missing(base - np.float32(69)) == ["no flat tile", "no saturated tile"]
    assert missing(base - np.float32(68)) == list(NAMES_OF_WARNINGS)
    for clipped, saturated in ((115, False), (116, True)):
        bright = base.copy()
        bright.reshape(3, -1)[:, :clipped] = 250
        assert ("no saturated tile" not in missing(bright)) == saturated


def test_too_few_tiles_to_calibrate_on() -> None:
    tiles = synthetic_tiles(3, (48, 48), seed=0) * 8
    assert calibration_warnings(tiles) == ()
    (warning,) = calibration_warnings(tiles[:23])
    assert warning.startswith("only 23 tiles to calibrate on, 24 are enough: ") and warning.endswith("add photographs")


@pytest.mark.parametrize("saved", ["8-bit", "16-bit"])
def test_values_of_0_to_1_are_warned_about(good: Path, saved: str) -> None:
    pixels = noise(0, 255)[..., 0]
    if saved == "8-bit":
        save(good / "scaled.png", (pixels / 255).round().astype(np.uint8))
    else:
        Image.fromarray(pixels.astype(np.uint16)).save(good / "scaled.png")
    save(good / "black.png", np.zeros((96, 96, 3), np.uint8))
    (warning,) = folder_calibration(good, []).warnings
    assert warning == "values of 0..1, probably scaled wrongly: scaled.png; save them with values of 0..255"


def test_tiny_images_are_skipped_with_a_warning(good: Path) -> None:
    before = folder_calibration(good, [])
    for i, (height, width) in enumerate([(47, 100), (100, 47), (1, 1), (5, 5)]):
        save(good / f"tiny{i}.png", noise(0, 255, height, width))
    after = folder_calibration(good, [GOLDEN])
    names = "tiny0.png, tiny1.png, tiny2.png and 1 more"
    assert after.warnings == (f"skipped 4 of 8 images, smaller than 48x48: {names}",)
    assert contents(after.tiles + after.selection) >= contents(before.tiles)


def test_16_bit_and_transparent_images_are_read_as_everywhere_else(tmp_path: Path) -> None:
    picture = noise(0, 255)
    save(tmp_path / "colour.png", picture)
    Image.fromarray(picture[..., 0].astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    alpha = np.zeros((144, 192, 1), np.uint8)
    alpha[48:] = 255
    save(tmp_path / "transparent.png", np.concatenate([255 - picture, alpha], axis=2))
    drawn = folder_calibration(tmp_path, [])
    found = {pixels_of(tile).tobytes() for tile in (*drawn.tiles, *drawn.selection)}
    cell = np.s_[48:96, 48:96]
    assert picture[cell].tobytes() in found
    assert picture[..., :1].repeat(3, axis=2)[cell].tobytes() in found
    assert (255 - picture)[cell].tobytes() in found
    assert bytes([255]) * (48 * 48 * 3) in found


def test_a_photograph_that_is_evaluated_on_is_named(good: Path) -> None:
    cat = next(file for file in photograph_files() if file.stem == "cat")
    (good / "pet.png").write_bytes(cat.read_bytes())
    (warning,) = folder_calibration(good, [np.full((3, 64, 64), 128, np.float32), GOLDEN]).warnings
    assert warning == "also evaluated on, so results look better than they are: pet.png; leave them out"
    assert folder_calibration(good, [photograph("coffee", (128, 128))]).warnings == ()


def test_benchmark_photographs_are_not_taken_for_evaluated_ones(shared: Path) -> None:
    evaluated = [photograph(file.stem, (120, 200)) for file in photograph_files()]
    warnings = folder_calibration(shared / "data" / "BSD100_20", evaluated).warnings
    assert not [w for w in warnings if w.startswith("also evaluated")]

"""Calibration tiles: what is made up, what is drawn from a folder, and what is refused or warned about."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hr_images import Pixels, save
from numpy.typing import NDArray
from PIL import Image

from export.calibration import (
    CalibrationSet,
    calibration_warnings,
    check_folder,
    folder_calibration,
    synthetic_calibration,
)
from export.overlap import contains_any, distinctive_patches
from export.samples import photograph, photograph_files
from export.synthetic import synthetic_tiles
from runtimes.errors import InputError
from runtimes.image_io import read_rgb8

Tile = NDArray[np.float32]

GOLDEN = photograph("cat", (128, 128))
NAMES_OF_WARNINGS = ("no flat tile", "no dark tile", "no saturated tile")


def noise(low: int, high: int, height: int = 144, width: int = 192, seed: int = 0) -> Pixels:
    """Random colours from low up to high, which is clipped at 255: twelve tiles of 48x48, all different."""
    values = np.random.default_rng([seed, low, high]).integers(low, high + 1, (height, width, 3))
    return values.clip(0, 255).astype(np.uint8)


def flats() -> Pixels:
    """Twelve flat tiles, all different."""
    cells = np.arange(60, 180, 10, dtype=np.uint8).reshape(3, 4, 1) + np.array([0, 3, 6], dtype=np.uint8)
    return cells.repeat(48, axis=0).repeat(48, axis=1)


def coordinates(height: int, width: int, owner: int = 0) -> Pixels:
    """An image of at most 1024x1024 whose colours tell the place of every pixel and the owner (0..15)."""
    y, x = np.mgrid[:height, :width]
    return np.stack([y % 256, x % 256, y // 256 * 64 + x // 256 * 16 + owner], axis=2).astype(np.uint8)


def place(tile: Tile) -> tuple[int, int]:
    """Row and column of a tile's first pixel in an image of ``coordinates``."""
    y, x, high = tile[:, 0, 0].astype(int)
    return int(y + high // 64 * 256), int(x + high // 16 % 4 * 256)


def pixels_of(tile: Tile) -> Pixels:
    return tile.transpose(1, 2, 0).astype(np.uint8)


def contents(tiles: Sequence[Tile]) -> set[bytes]:
    return {tile.tobytes() for tile in tiles}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A folder that has nothing wrong: dark, flat, saturated and ordinary images, twelve tiles each."""
    images = {"dark": noise(0, 20), "flat": flats(), "ordinary": noise(20, 230), "saturated": noise(200, 300)}
    for name, pixels in images.items():
        save(tmp_path / "good" / f"{name}.png", pixels)
    return tmp_path / "good"


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

    def kurtosis_and_spread(tile: Tile) -> tuple[float, float]:
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
    def missing(tile: Tile) -> list[str]:
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


def absent(folder: Path) -> None:
    assert not folder.exists()


def file_instead(folder: Path) -> None:
    folder.write_text("")


def empty(folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("no image")


def damaged(folder: Path) -> None:
    file = save(folder / "a.png", noise(0, 255))
    (folder / "broken.png").write_bytes(file.read_bytes()[:500])


def not_decodable(folder: Path) -> None:
    save(folder / "a.png", noise(0, 255))
    (folder / "text.jpg").write_text("no pixels")


def tiny(folder: Path) -> None:
    for i in range(3):
        save(folder / f"{i}.png", noise(0, 255, 47, 400))


def grey(folder: Path) -> None:
    save(folder / "rgb.png", noise(0, 255)[..., :1].repeat(3, axis=2))
    save(folder / "l.png", noise(0, 255)[..., 0])
    save(folder / "tiny_and_coloured.png", noise(0, 255, 20, 20))


def seven_tiles(folder: Path) -> None:
    save(folder / "a.png", noise(0, 255, 48, 48 * 7))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (absent, "no such folder; give one with photographs to calibrate on"),
        (file_instead, "not a folder; give the folder that holds the photographs"),
        (empty, "no image in it; expected files ending in .png, .jpg"),
        (damaged, "broken.png cannot be used, remove or replace it: damaged or truncated image: "),
        (not_decodable, "text.jpg cannot be used, remove or replace it: not an image that can be read; give one of "),
        (tiny, "none of its 3 images is at least 48x48; add larger photographs"),
        (grey, "all images are grey, which gives no ranges for colour; add colour photographs"),
        (seven_tiles, "gives 7 different tiles of 48x48, at least 8 are needed; add photographs, or larger ones"),
    ],
)
def test_unusable_folders_are_refused(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    folder = tmp_path / "given"
    make(folder)
    with pytest.raises(InputError) as raised:
        folder_calibration(folder, [GOLDEN])
    assert str(raised.value).startswith(f"{folder}: {message}") and "\n" not in str(raised.value)


@pytest.mark.parametrize("make", [absent, file_instead, empty])
def test_a_folder_without_images_is_refused_before_any_is_read(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "given")
    with pytest.raises(InputError, match=re.escape(str(tmp_path / "given"))):
        check_folder(tmp_path / "given")


def test_eight_tiles_and_one_coloured_image_among_grey_ones_are_enough(tmp_path: Path) -> None:
    save(tmp_path / "grey.png", noise(0, 255, 48, 48 * 7)[..., 0])
    save(tmp_path / "coloured.png", flats()[:48, :48])
    drawn = folder_calibration(tmp_path, [])
    assert (len(drawn.tiles), len(drawn.selection)) == (6, 2)


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


def test_any_shared_part_of_48_pixels_is_found() -> None:
    """A crop of the evaluated image, the evaluated image itself in a larger one, and an overlap of two corners."""
    golden = pixels_of(GOLDEN)
    patches = distinctive_patches([GOLDEN])
    for y, x in ((0, 0), (7, 13), (23, 1), (80, 80), (41, 62)):
        assert contains_any(golden[y : y + 48, x : x + 48], patches)
        overlap = noise(0, 255, 100, 100)
        overlap[52:, :48] = golden[y : y + 48, x : x + 48]
        assert contains_any(overlap, patches)
    larger = noise(0, 255, 300, 300)
    larger[101:229, 57:185] = golden
    assert contains_any(larger, patches)


def test_patches_of_very_small_images_are_found() -> None:
    small = photograph("coffee", (16, 24))
    patches = distinctive_patches([small, photograph("cat", (7, 100))])
    assert len(patches) == 1
    assert contains_any(pixels_of(photograph("coffee", (160, 200))), patches)


def test_patches_do_not_begin_with_black_or_white() -> None:
    """An over-exposed or darkened image is full of these, and so would be any photograph searched for them."""
    for image in (GOLDEN * np.float32(2.5), GOLDEN - np.float32(120)):
        patches = distinctive_patches([image])
        assert patches and not [patch for patch in patches if patch[0, 0] in (0, 0xFFFFFF)]


def test_only_equal_pixels_count() -> None:
    golden = pixels_of(GOLDEN)
    patches = distinctive_patches([GOLDEN])
    assert contains_any(golden, patches)
    spoilt = golden.copy()
    spoilt[::4, ::4, 2] ^= 1
    for changed in (golden ^ 1, golden[:, ::-1], golden[..., ::-1], spoilt):
        assert not contains_any(np.ascontiguousarray(changed), patches)


def test_plain_images_cannot_be_recognised() -> None:
    ramp = np.arange(100, 148, dtype=np.float32) + np.zeros((3, 48, 1), np.float32)
    text = np.where(np.random.default_rng(0).random((48, 48)) < 0.5, 0, 255) + np.zeros((3, 1, 1))
    plain = [np.full((3, 48, 48), 128, np.float32), ramp, ramp.transpose(0, 2, 1), text.astype(np.float32)]
    assert distinctive_patches(plain) == []
    assert not contains_any(pixels_of(ramp), [])
    assert len(distinctive_patches([GOLDEN])) > 10

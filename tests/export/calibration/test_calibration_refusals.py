"""Folders that cannot be calibrated on, and the least that can."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.export.calibration.tiles import (
    check_folder,
    folder_calibration,
)
from edgesr.runtimes.errors import InputError
from tests.helpers.calibration_images import GOLDEN, flats, noise
from tests.helpers.hr_images import save


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
        (tiny, "holds 3 images, none of at least 48x48; add larger photographs"),
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

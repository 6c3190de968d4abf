"""Images that are decoded in strips: the same pixels as decoded as a whole, and which cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from PIL.ExifTags import Base

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.images.sixteen_bit import write_png, write_tiff
from edgesr.runtimes.images.strips import StripPicture, opened_in_strips
from tests.helpers.places import ROOT

SIZE = (700, 90)  # more rows than are decoded at one time
RNG = np.random.default_rng(3)
NOISE = RNG.integers(0, 256, (*SIZE, 3)).astype(np.uint8)
DEEP = RNG.integers(0, 65536, (*SIZE, 3)).astype(np.uint16)
PHOTO = np.ascontiguousarray(np.repeat(np.repeat(NOISE[::10, ::10], 10, axis=0), 10, axis=1)[: SIZE[0], : SIZE[1]])


_DECODED = """
import sys
from pathlib import Path
import pyvips
from edgesr.benchmarks.machine.memory import peak_rss_bytes, rss_bytes
from edgesr.runtimes.images.strips import opened_in_strips

before = rss_bytes()
picture = opened_in_strips(Path(sys.argv[1]), max_megapixels=100)
for top in range(0, picture.size[0], 64):
    picture.pixels.rows(top, min(top + 84, picture.size[0]))
print(peak_rss_bytes() - before, picture.held_bytes + 84 * picture.row_bytes)
"""


def save(**options: Any) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(PHOTO).save(path, **options)


def turned() -> bytes:
    tags = Image.Exif()
    tags[Base.Orientation] = 6
    return tags.tobytes()


WRITERS: dict[str, Callable[[Path], None]] = {
    "420.jpg": save(quality=90),
    "444.jpg": save(quality=95, subsampling=0),
    "progressive.jpg": save(progressive=True),
    "grey.jpg": lambda path: Image.fromarray(PHOTO).convert("L").save(path),
    "rgb.png": save(),
    "grey.png": lambda path: Image.fromarray(NOISE[:, :, 0]).save(path),
    "deep.png": lambda path: write_png(path, DEEP, icc=None, exif=None),
    "deep-grey.png": lambda path: write_png(path, DEEP[:, :, :1], icc=None, exif=None),
    "rgb.tif": save(),
    "lzw.tif": save(compression="tiff_lzw"),
    "grey.tif": lambda path: Image.fromarray(NOISE[:, :, 0]).save(path),
    "deep.tif": lambda path: write_tiff(path, DEEP, icc=None, exif=None),
}


def in_strips(path: Path) -> StripPicture | None:
    return opened_in_strips(path, max_megapixels=1, from_bytes=0)


@pytest.mark.parametrize("name", WRITERS)
def test_strips_make_the_whole(name: str, tmp_path: Path) -> None:
    """In overlapping strips from top to bottom, then from the top again."""
    path = tmp_path / name
    WRITERS[name](path)
    whole, picture = read_picture(path), in_strips(path)
    assert picture is not None
    assert (picture.size, picture.bits, picture.grey) == (whole.size, whole.bits, whole.grey)
    assert (picture.icc, picture.exif) == (whole.icc, whole.exif)
    for first, last in [(0, 40), (0, 1), (20, 300), (290, 300), (280, 700), (5, 30), (600, 700)]:
        rows = picture.pixels.rows(first, last)
        assert rows.dtype == whole.pixels.dtype
        assert np.array_equal(rows, whole.pixels[first:last]), (first, last)


def test_no_more_than_the_asked_rows_are_held(tmp_path: Path) -> None:
    save()(tmp_path / "x.png")
    picture = in_strips(tmp_path / "x.png")
    assert picture is not None
    picture.pixels.rows(650, 700)
    assert picture.pixels.held_rows <= 50 + 32


def _png_with_late_text(path: Path) -> None:
    save()(path)
    with path.open("r+b") as file:
        content = file.read()
        end = content.rindex(b"IEND") - 4
        text = content[:0] + b"\0\0\0\4tEXtab\0c" + b"\0\0\0\0"
        file.seek(0)
        file.write(content[:end] + text + content[end:])


def _png_with_transparency(path: Path) -> None:
    Image.fromarray(PHOTO).save(path, transparency=(1, 2, 3))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("turned.jpg", save(exif=turned())),
        ("alpha.png", lambda path: Image.fromarray(PHOTO).convert("RGBA").save(path)),
        ("transparent.png", _png_with_transparency),
        ("palette.png", lambda path: Image.fromarray(PHOTO).convert("P").save(path)),
        ("late.png", _png_with_late_text),
        ("cmyk.jpg", lambda path: Image.fromarray(PHOTO).convert("CMYK").save(path)),
        ("jpeg.tif", save(compression="jpeg")),
        ("x.webp", save()),
        ("x.bmp", save()),
    ],
)
def test_what_is_decoded_as_a_whole(name: str, write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path / name)
    assert in_strips(tmp_path / name) is None


def test_small_images_are_decoded_as_a_whole(tmp_path: Path) -> None:
    save()(tmp_path / "x.png")
    bytes_each = SIZE[0] * SIZE[1] * 3
    assert opened_in_strips(tmp_path / "x.png", max_megapixels=1, from_bytes=bytes_each) is not None
    assert opened_in_strips(tmp_path / "x.png", max_megapixels=1, from_bytes=bytes_each + 1) is None


@pytest.mark.parametrize("name", ["420.jpg", "rgb.png", "rgb.tif"])
def test_truncated_files_are_refused_when_their_end_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=r"damaged or truncated image: .*; give a whole file"):
        picture = in_strips(path)
        assert picture is not None
        picture.pixels.rows(0, SIZE[0])


def test_text_chunks_behind_pixels_are_what_png_info_gives(tmp_path: Path) -> None:
    """Text before the pixels is no reason to decode the whole."""
    info = PngImagePlugin.PngInfo()
    info.add_text("a", "b")
    save(pnginfo=info)(tmp_path / "x.png")
    assert in_strips(tmp_path / "x.png") is not None


@pytest.mark.parametrize("width", [2000, 8000])
def test_what_a_wide_picture_takes_is_counted(width: int, tmp_path: Path) -> None:
    """libvips holds about a thousand rows, whatever is asked for."""
    rows, columns = np.mgrid[:1500, :width]
    pixels = np.stack([(columns // 7 + rows // 9) % 256, columns // 5 % 256, rows // 3 % 256], axis=2)
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "wide.jpg", quality=90)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", _DECODED, str(tmp_path / "wide.jpg")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    peak, counted = map(int, done.stdout.split())
    assert peak == pytest.approx(counted, rel=0.3)

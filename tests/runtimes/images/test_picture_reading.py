"""Reading images as people have them: modes, 16 bits, orientation, profiles, several frames, size limit."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base

from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.images.image_io import read_picture, read_rgb8
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.images.sixteen_bit import write_png, write_tiff

RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = np.ascontiguousarray(RGB[:, :, 0])
ALPHA = RNG.integers(0, 256, (6, 9), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (6, 9, 4), dtype=np.uint16)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(path: Path, image: Image.Image, **options: Any) -> Picture:
    image.save(path, **options)
    return read_picture(path)


def rgb_of_grey(grey: NDArray[np.generic]) -> NDArray[np.generic]:
    return np.stack([grey] * 3, axis=2)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_eight_bit_modes_are_exact(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{suffix}"
    picture = saved(path, Image.fromarray(RGB))
    assert np.array_equal(picture.pixels, RGB)
    assert (picture.size, picture.bits, picture.grey, picture.alpha) == ((6, 9), 8, False, None)
    picture = saved(path, Image.fromarray(GREY))
    assert np.array_equal(picture.pixels, rgb_of_grey(GREY))
    assert picture.grey
    picture = saved(path, Image.fromarray(GREY > 99))
    assert np.array_equal(picture.pixels, rgb_of_grey(np.where(GREY > 99, 255, 0)))
    assert picture.grey


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_alpha_is_kept(suffix: str, tmp_path: Path) -> None:
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    picture = saved(tmp_path / f"x.{suffix}", Image.fromarray(np.dstack([RGB, ALPHA])), **options)
    assert np.array_equal(picture.pixels, RGB)
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, ALPHA)
    picture = saved(tmp_path / f"x.{suffix}", Image.fromarray(np.dstack([GREY, ALPHA]), "LA"), **options)
    assert np.array_equal(picture.pixels, rgb_of_grey(GREY))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, ALPHA)
    assert picture.grey == (suffix != "webp")  # WebP has no grey


def test_palettes(tmp_path: Path) -> None:
    indices = Image.fromarray((np.arange(54, dtype=np.uint8) % 3).reshape(6, 9), "P")
    indices.putpalette([10, 20, 30, 40, 50, 60, 200, 210, 220])
    colours = np.array([[10, 20, 30], [40, 50, 60], [200, 210, 220]])[np.asarray(indices)]
    picture = saved(tmp_path / "x.png", indices)
    assert np.array_equal(picture.pixels, colours)
    assert (picture.alpha, picture.grey) == (None, False)
    picture = saved(tmp_path / "x.png", indices, transparency=bytes([255, 7, 0]))
    assert np.array_equal(picture.pixels, colours)
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, np.array([255, 7, 0])[np.asarray(indices)])


def test_a_transparent_colour_becomes_alpha(tmp_path: Path) -> None:
    picture = saved(tmp_path / "x.png", Image.fromarray(RGB), transparency=tuple(int(v) for v in RGB[2, 3]))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha == 0, (RGB[2, 3] == RGB).all(axis=2))
    picture = saved(tmp_path / "x.png", Image.fromarray(DEEP[:, :, 0].copy()), transparency=int(DEEP[2, 3, 0]))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha == 0, DEEP[:, :, 0] == DEEP[2, 3, 0])
    assert (picture.grey, picture.bits) == (True, 16)


def test_cmyk_goes_through_its_profile_which_is_dropped(tmp_path: Path) -> None:
    profile = pyvips.Operation.call("profile_load", "cmyk")
    cmyk = Image.new("CMYK", (9, 6), (255, 0, 0, 0))
    plain = saved(tmp_path / "x.tif", cmyk)
    managed = saved(tmp_path / "x.tif", cmyk, icc_profile=profile)
    assert plain.pixels[0, 0].tolist() == [0, 255, 255]
    assert np.abs(managed.pixels[0, 0].astype(int) - [0, 158, 224]).max() < 30  # printed cyan is no pure blue-green
    assert (plain.icc, managed.icc) == (None, None)
    assert saved(tmp_path / "x.tif", cmyk, icc_profile=SRGB).pixels[0, 0].tolist() == [0, 255, 255]  # it does not fit


def test_lab_and_ycbcr(tmp_path: Path) -> None:
    picture = saved(tmp_path / "x.tif", Image.new("LAB", (9, 6), (255, 128, 128)))
    assert picture.pixels.min() >= 254
    smooth = Image.new("RGB", (16, 16), (200, 100, 50))
    assert np.abs(saved(tmp_path / "x.tif", smooth.convert("YCbCr")).pixels - [200.0, 100, 50]).max() <= 2


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_exact(suffix: str, bands: int, tmp_path: Path) -> None:
    pixels = np.ascontiguousarray(DEEP[:, :, :bands])
    write = write_png if suffix == "png" else write_tiff
    write(tmp_path / "x", pixels, icc=SRGB if bands > 2 else None, exif=None)
    picture = read_picture(tmp_path / "x")
    assert (picture.bits, picture.grey, picture.pixels.dtype.name) == (16, bands < 3, "uint16")
    assert np.array_equal(picture.pixels, pixels[:, :, :3] if bands > 2 else rgb_of_grey(pixels[:, :, 0]))
    assert picture.icc == (SRGB if bands > 2 else None)
    assert (picture.alpha is None) == (bands in (1, 3))
    if picture.alpha is not None:
        assert np.array_equal(picture.alpha, pixels[:, :, -1])
    assert np.array_equal(picture.values(), (picture.pixels / np.float32(257)).transpose(2, 0, 1))
    reduced = np.rint(picture.on_white().pixels / 257.0)
    assert np.abs(read_rgb8(tmp_path / "x") - reduced).max() <= (0 if bands == 1 else 2)


def test_a_file_that_is_overwritten_is_read_anew(tmp_path: Path) -> None:
    for seed in range(3):
        pixels = np.random.default_rng(seed).integers(0, 65536, (6, 9, 3), dtype=np.uint16)
        write_tiff(tmp_path / "x.tif", pixels, icc=None, exif=None)
        assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, pixels)


def test_sixteen_bits_need_pyvips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_png(tmp_path / "x.png", DEEP, icc=None, exif=None)
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with pytest.raises(MissingPackageError, match=r"x\.png: has 16 bits a channel, which needs pyvips: pip install '"):
        read_picture(tmp_path / "x.png")
    assert read_rgb8(tmp_path / "x.png").shape == (6, 9, 3)


TURNS: dict[
    int, Callable[[NDArray[Any]], NDArray[Any]]
] = {  # orientation -> what makes the upright image from the stored one
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", [*range(1, 9), 0, 9])
@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
def test_orientation_is_applied_once_and_removed(suffix: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.update({Base.Orientation: orientation, Base.Make: "maker"})
    turned = TURNS.get(orientation, TURNS[1])(RGB)
    lossless: dict[str, dict[str, Any]] = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}
    picture = saved(tmp_path / f"x.{suffix}", Image.fromarray(RGB), exif=exif.tobytes(), **lossless.get(suffix, {}))
    assert picture.size == turned.shape[:2]
    assert np.abs(picture.pixels - turned.astype(float)).max() <= (6 if suffix == "jpg" else 0)
    kept = Image.Exif()
    kept.load(picture.exif or b"")
    assert dict(kept) == {Base.Make: "maker"}
    if 1 <= orientation <= 8:
        write = write_png if suffix == "png" else write_tiff
        write(tmp_path / "x", DEEP, icc=None, exif=exif.tobytes())
        deep = read_picture(tmp_path / "x")
        assert np.array_equal(deep.pixels, TURNS[orientation](DEEP)[:, :, :3])
        assert deep.alpha is not None
        assert np.array_equal(deep.alpha, TURNS[orientation](DEEP)[:, :, 3])


def test_profile_and_exif_are_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.update({Base.Make: "maker", Base.Orientation: 1, Base.ImageWidth: 9})
    exif.get_ifd(IFD.Exif).update({Base.DateTimeOriginal: "2024:01:02 03:04:05", Base.ExifImageWidth: 9})
    exif.get_ifd(IFD.GPSInfo).update({1: "N", 2: (1.0, 2.0, 3.5)})
    for suffix in ("png", "jpg", "webp", "tif"):
        picture = saved(tmp_path / f"x.{suffix}", Image.fromarray(RGB), exif=exif.tobytes(), icc_profile=SRGB)
        kept = Image.Exif()
        kept.load(picture.exif or b"")
        assert {tag: value for tag, value in kept.items() if tag not in tuple(IFD)} == {Base.Make: "maker"}
        assert kept.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2024:01:02 03:04:05"
        assert kept.get_ifd(IFD.GPSInfo)[2] == (1.0, 2.0, 3.5)
        assert picture.icc == SRGB
    assert saved(tmp_path / "x.png", Image.fromarray(RGB)).exif is None


def test_several_frames_are_refused_but_not_a_phones_second_picture(tmp_path: Path) -> None:
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB), Image.fromarray(RGB // 2)]
    for suffix in ("png", "webp", "tif"):
        with pytest.raises(InputError, match=rf"x\.{suffix}: has 3 frames; give one image"):
            saved(tmp_path / f"x.{suffix}", frames[0], save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "x.jpg", quality=95)
    first = read_picture(tmp_path / "x.jpg").pixels
    frames[0].save(tmp_path / "x.jpg", "MPO", quality=95, save_all=True, append_images=frames[1:])
    assert np.array_equal(read_picture(tmp_path / "x.jpg").pixels, first)


def test_declared_size_is_limited_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 100000, 100000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IDAT")
    message = r"a\.png: declares 100000x100000 pixels \(10000 MP\), the limit is 64 MP: raise it with --max-megapixels"
    with pytest.raises(InputError, match=message):
        read_picture(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # neither in the way nor changed
    assert saved(tmp_path / "x.png", Image.fromarray(RGB)).size == (6, 9)
    assert read_picture(tmp_path / "x.png", max_megapixels=54e-6).size == (6, 9)
    with pytest.raises(InputError, match="declares 9x6 pixels"):
        read_picture(tmp_path / "x.png", max_megapixels=53e-6)
    assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize("white", [255, 65535])
def test_on_white_is_rounded_exactly(white: int) -> None:
    drawn = RNG.integers(0, white + 1, (30, 30, 4))
    drawn[0, :, 3], drawn[1, :, 3] = 0, white
    values = drawn.astype(np.uint8) if white == 255 else drawn.astype(np.uint16)
    share = drawn[:, :, 3:].astype(np.float64)
    expected = np.rint((drawn[:, :, :3] * share + white * (white - share)) / white)
    flat = Picture(pixels=values[:, :, :3], alpha=values[:, :, 3]).on_white()
    assert flat.alpha is None
    assert np.array_equal(flat.pixels, expected)

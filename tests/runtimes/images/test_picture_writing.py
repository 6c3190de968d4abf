"""Writing an upscaled picture: pieces, grey, alpha, 16 bits, profile and EXIF, quality, limits, whole files only."""

from __future__ import annotations

import os
import stat
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, JpegImagePlugin
from PIL.ExifTags import IFD, Base

from edgesr.runtimes.arrays import PicturePixels
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.images.picture_writer import PictureWriter, check_output_format, holds_alpha

RNG = np.random.default_rng(4)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SIZE = (150, 9)  # three bands of alpha
SCALE = 4


def source(*, bits: int = 8, grey: bool = False, alpha: bool = False, exif: bytes | None = None) -> Picture:
    drawn = RNG.integers(0, 1 << bits, (*SIZE, 4))
    if grey:
        drawn[:, :, :3] = drawn[:, :, :1]
    values: PicturePixels = drawn.astype(np.uint8) if bits == 8 else drawn.astype(np.uint16)
    pixels, transparency = np.ascontiguousarray(values[:, :, :3]), np.ascontiguousarray(values[:, :, 3])
    return Picture(pixels=pixels, alpha=transparency if alpha else None, grey=grey, icc=SRGB, exif=exif)


def output(*, grey: bool = False) -> NDArray[np.float32]:
    values = RNG.uniform(0, 255, (3, SIZE[0] * SCALE, SIZE[1] * SCALE)).astype(np.float32)
    if grey:
        values[:] = values[:1]
    return values


def write(path: Path, like: Picture, values: NDArray[np.float32], quality: int | None = None) -> Picture:
    """In pieces of 100x20, from the last to the first, some of them wrong at first."""
    writer = PictureWriter(path, like, scale=SCALE, quality=quality)
    places = list(product(range(0, values.shape[1], 100), range(0, values.shape[2], 20)))
    writer.put(*places[0], 255 - values[:, :100, :20])
    for top, left in reversed(places):
        writer.put(top, left, values[:, top : top + 100, left : left + 20])
    writer.save()
    return read_picture(path)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".bmp"])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_pieces_in_any_order_make_the_whole(suffix: str, grey: bool, bits: int, tmp_path: Path) -> None:
    values = output(grey=grey)
    written = write(tmp_path / f"x{suffix}", source(bits=bits, grey=grey), values)
    deep = bits == 16 and suffix != ".bmp"
    expected = np.rint(values * np.float32(257 if deep else 1)).transpose(1, 2, 0)
    assert written.bits == (16 if deep else 8)
    assert np.array_equal(written.pixels, expected)
    assert written.grey == grey
    assert written.alpha is None
    if deep:
        assert (written.pixels % 257 != 0).any()  # no eight bits stretched
    if grey and not deep:
        with Image.open(tmp_path / f"x{suffix}") as image:
            assert image.mode == "L"


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_is_the_luma_of_three_channels(bits: int, tmp_path: Path) -> None:
    values = output()
    written = write(tmp_path / "x.png", source(bits=bits, grey=True), values)
    luma = (values * np.array([[[0.299]], [[0.587]], [[0.114]]])).sum(axis=0) * (1 if bits == 8 else 257)
    assert np.abs(written.pixels[:, :, 0] - luma).max() <= 1.6
    if bits == 8:
        rounded = np.ascontiguousarray(np.rint(values).astype(np.uint8).transpose(1, 2, 0))
        assert np.array_equal(written.pixels[:, :, 0], np.asarray(Image.fromarray(rounded).convert("L")))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_alpha_is_upscaled_as_the_whole(suffix: str, grey: bool, bits: int, tmp_path: Path) -> None:
    like = source(bits=bits, grey=grey, alpha=True)
    values = output(grey=grey)
    written = write(tmp_path / f"x{suffix}", like, values)
    assert like.alpha is not None
    assert written.alpha is not None
    whole = upsample_bilinear(like.alpha.astype(np.float32)[np.newaxis], SCALE)[0]
    if suffix == ".webp" and bits == 16:
        whole = whole / np.float32(257)
    assert np.array_equal(written.alpha, np.rint(whole))
    if suffix != ".webp":
        expected = np.rint(values * np.float32(1 if bits == 8 else 257)).transpose(1, 2, 0)
        assert np.array_equal(written.pixels, expected)
        assert written.grey == grey


def test_values_are_clipped(tmp_path: Path) -> None:
    for bits in (8, 16):
        values = np.full((3, SIZE[0] * SCALE, SIZE[1] * SCALE), 255.7, dtype=np.float32)
        values[:, 0] = -0.7
        pixels = write(tmp_path / "x.png", source(bits=bits), values).pixels
        assert (pixels[0].max(), pixels[1:].min()) == (0, 2**bits - 1)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_profile_and_exif_are_written_with_the_new_size(suffix: str, bits: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.update({Base.Make: "maker", Base.XResolution: 72.0})
    exif.get_ifd(IFD.Exif).update({Base.ExifImageWidth: 9, Base.ExifImageHeight: 150, Base.ExposureTime: (1, 50)})
    exif.get_ifd(IFD.GPSInfo).update({1: "N", 2: (1.0, 2.0, 3.5)})
    write(tmp_path / f"x{suffix}", source(bits=bits, exif=exif.tobytes()), output())
    with Image.open(tmp_path / f"x{suffix}") as image:
        tags = image.getexif()
        details = tags.get_ifd(IFD.Exif)
        assert image.info["icc_profile"] == SRGB
        assert tags[Base.Make] == "maker"
        assert tags.get(Base.Orientation, 1) == 1
        assert (details[Base.ExifImageWidth], details[Base.ExifImageHeight]) == (36, 600)
        assert tags.get_ifd(IFD.GPSInfo)[2] == (1.0, 2.0, 3.5)


def test_a_profile_of_other_colours_is_left_out(tmp_path: Path) -> None:
    assert write(tmp_path / "x.png", source(grey=True), output()).icc is None
    assert write(tmp_path / "x.png", source(), output()).icc == SRGB


def test_quality(tmp_path: Path) -> None:
    smooth = np.ascontiguousarray(np.broadcast_to(np.linspace(0, 250, 36, dtype=np.float32), (3, 600, 36)))
    for suffix in (".jpg", ".jpeg", ".webp"):
        path = tmp_path / f"x{suffix}"
        sizes = {}
        for quality in (1, 95, 100, None):
            written = write(path, source(), output() if quality else smooth, quality)
            sizes[quality] = path.stat().st_size
        assert sizes[1] < sizes[95] < sizes[100]
        assert np.abs(written.pixels.transpose(2, 0, 1) - smooth).max() <= 6
        if suffix != ".webp":
            with Image.open(path) as image:
                assert isinstance(image, JpegImagePlugin.JpegImageFile)
                assert JpegImagePlugin.get_sampling(image) == 0  # 4:4:4
                assert image.quantization[0][0] == 2  # what libjpeg takes for 95


@pytest.mark.parametrize(
    ("name", "size", "quality", "message"),
    [
        ("x.png", (5, 5), 90, r"x\.png: \.png is lossless and has no quality; leave it out, or write \.jpg"),
        ("x.tif", (5, 5), 90, "lossless"),
        ("x.bmp", (5, 5), 90, "lossless"),
        ("x.jpg", (5, 5), 0, "quality 0 is not allowed; give 1 to 100"),
        ("x.webp", (5, 5), 101, "quality 101 is not allowed"),
        ("x.jpg", (5, 16376), None, r"would be 65504x20 pixels, \.jpg holds at most 65500 a side; write \.png"),
        ("x.webp", (4096, 5), None, r"would be 20x16384 pixels, \.webp holds at most 16383 a side"),
        ("x.bmp", (9000, 10000), None, r"\.bmp holds at most 4 GB; write \.png"),
        ("x.gif", (5, 5), None, "unknown image suffix"),
        ("none/x.png", (5, 5), None, "does not exist; create it first"),
    ],
)
def test_outputs_are_refused_before_work(
    name: str, size: tuple[int, int], quality: int | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        check_output_format(tmp_path / name, size, scale=4, quality=quality)


def test_the_largest_sides_are_written(tmp_path: Path) -> None:
    for name, side in (("x.jpg", 65500), ("x.webp", 16383)):
        like = Picture(pixels=np.zeros((1, side, 3), dtype=np.uint8))
        PictureWriter(tmp_path / name, like, scale=1).save()
        assert read_picture(tmp_path / name).size == (1, side)


def test_alpha_needs_a_format_that_holds_it(tmp_path: Path) -> None:
    assert [holds_alpha(Path(f"x{suffix}")) for suffix in (".PNG", ".webp", ".tif", ".jpg", ".bmp")] == [1, 1, 1, 0, 0]
    with pytest.raises(InputError, match=r"x\.jpg: \.jpg holds no alpha"):
        PictureWriter(tmp_path / "x.jpg", source(alpha=True), scale=SCALE)
    assert write(tmp_path / "x.jpg", source(alpha=True).on_white(), output()).alpha is None


def test_sixteen_bit_colour_png_needs_pyvips_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'edgesr\[images\]'"):
        PictureWriter(tmp_path / "x.png", source(bits=16), scale=SCALE)
    assert write(tmp_path / "x.png", source(bits=16, grey=True), output()).bits == 16


def fail(*arguments: object, **options: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("place", ["encoding", "renaming"])
def test_a_failing_write_leaves_the_old_file(
    bits: int, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(b"old")
    with monkeypatch.context() as patched, pytest.raises(InputError, match=r"x\.tif: cannot be written: No space left"):
        if place == "renaming":
            patched.setattr(Path, "replace", fail)
        else:
            patched.setattr(Image.Image, "save", fail)
            patched.setattr("edgesr.runtimes.images.sixteen_bit.write_tiff", fail)
        write(path, source(bits=bits), output())
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.tif"]


def test_permissions_are_those_of_a_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "x.png", source(), output())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x.png").stat().st_mode) == 0o640

"""Decoding images as people have them, and writing whole files only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from PIL import Image

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import list_images, read_image, read_rgb8, write_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = RGB[:, :, 0]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".PNG"])
def test_lossless_formats_are_exact(suffix: str, tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / f"x{suffix}")
    image = read_image(tmp_path / f"x{suffix}")
    assert image.dtype == np.float32
    assert np.array_equal(image, RGB.transpose(2, 0, 1))


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy_formats_are_close(suffix: str, tmp_path: Path) -> None:
    smooth = np.tile(np.arange(0, 240, 5, dtype=np.uint8)[:, None, None], (1, 40, 3))
    Image.fromarray(smooth).save(tmp_path / f"x{suffix}", quality=95)
    assert np.abs(read_image(tmp_path / f"x{suffix}") - smooth.transpose(2, 0, 1)).max() <= 6


def sixteen_bit(path: Path) -> None:
    Image.fromarray(GREY.astype(np.uint16) * 257).save(path)


def palette_with_transparency(path: Path) -> None:
    image = Image.fromarray(np.zeros((6, 9), dtype=np.uint8), "P")
    image.putpalette([10, 20, 30])
    image.save(path, transparency=0)


TRANSPARENT = Image.merge("LA", [Image.new("L", (9, 6), 7), Image.new("L", (9, 6), 0)])
WRITERS: dict[str, tuple[Callable[[Path], object], ArrayLike | None]] = {
    "grey": (lambda p: Image.fromarray(GREY).save(p), np.stack([GREY] * 3)),
    "grey and alpha": (
        TRANSPARENT.save,
        255,
    ),
    "RGBA": (lambda p: Image.new("RGBA", (9, 6), (100, 0, 50, 51)).save(p), (224, 204, 214)),
    "palette": (lambda p: Image.new("RGB", (9, 6), (1, 2, 3)).convert("P").save(p), None),
    "palette with transparency": (palette_with_transparency, 255),
    "one bit": (lambda p: Image.new("1", (9, 6), 1).save(p), 255),
    "16-bit grey": (sixteen_bit, np.stack([GREY] * 3)),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_modes_become_rgb(kind: str, tmp_path: Path) -> None:
    write, expected = WRITERS[kind]
    write(tmp_path / "x.png")
    image = read_image(tmp_path / "x.png")
    assert image.shape == (3, 6, 9)
    if expected is not None:
        values = np.asarray(expected)
        values = values if values.ndim == 3 else values.reshape(-1, 1, 1)
        assert np.abs(image - values).max() <= 1


def test_cmyk_jpeg(tmp_path: Path) -> None:
    Image.new("CMYK", (9, 6), (0, 255, 255, 0)).save(tmp_path / "x.jpg", quality=95)
    red, green, blue = read_image(tmp_path / "x.jpg").mean(axis=(1, 2))
    assert red > 200
    assert max(green, blue) < 60


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.fromarray(RGB)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "x.png", exif=exif)
    assert np.array_equal(read_rgb8(tmp_path / "x.png"), np.rot90(RGB, k=-1))


def test_bad_files_are_named(tmp_path: Path) -> None:
    Image.fromarray(np.tile(RGB, (20, 20, 1))).save(tmp_path / "cut.png")
    content = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    for name, reason in (
        ("cut", "damaged or truncated"),
        ("empty", "not an image"),
        ("text", "not an image"),
        ("folder", "is a directory, not a file"),
        ("none", "no such file"),
    ):
        with pytest.raises(InputError, match=rf"{name}\.png: {reason}"):
            read_image(tmp_path / f"{name}.png")


def test_decompression_bomb_is_refused(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "x.png")
    with pytest.raises(InputError, match=r"declares 9x6 pixels .* raise it with --max-megapixels"):
        read_rgb8(tmp_path / "x.png", max_megapixels=10e-6)


def test_writing_rounds_and_clips(tmp_path: Path) -> None:
    values = np.array([-3, 0.4, 0.6, 254.6, 300], dtype=np.float32)
    write_image(tmp_path / "x.png", np.broadcast_to(values, (3, 2, 5)))
    assert read_image(tmp_path / "x.png")[0, 0].tolist() == [0, 0, 1, 255, 255]
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]


def test_failing_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.zeros((3, 2, 2), dtype=np.float32)
    write_image(tmp_path / "x.png", image)
    before = (tmp_path / "x.png").read_bytes()

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match="No space left"):
        write_image(tmp_path / "x.png", image + 9)
    assert (tmp_path / "x.png").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]


def test_listing_takes_images_only(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [p.name for p in list_images(tmp_path)] == ["a.jpg", "b.PNG"]
    with pytest.raises(InputError, match="no image"):
        list_images(tmp_path / "folder.png")
    with pytest.raises(InputError, match="no such folder"):
        list_images(tmp_path / "none")

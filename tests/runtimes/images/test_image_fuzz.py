"""Damaged image files: each is a `Picture` or an `InputError` of one line, never another exception or a warning."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.images.picture_writer import PictureWriter
from edgesr.runtimes.images.sixteen_bit import write_png, write_tiff

RNG = np.random.default_rng(5)
RGB = RNG.integers(0, 256, (11, 13, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (11, 13, 4), dtype=np.uint16)
CASES = 300


def exif() -> bytes:
    tags = Image.Exif()
    tags.update({0x0112: 6, 0x010F: "maker", 0x011A: 72.0})
    tags.get_ifd(0x8769).update({0xA002: 13, 0xA003: 11, 0x829A: (1, 50), 0x9286: b"comment", 0x927C: b"\1\2note"})
    tags.get_ifd(0x8825).update({1: "N", 2: (1.0, 2.0, 3.5)})
    return tags.tobytes()


def encoded(format: str, image: Image.Image | None = None, **options: object) -> bytes:
    stream = io.BytesIO()
    (Image.fromarray(RGB) if image is None else image).save(stream, format=format, **options)
    return stream.getvalue()


def deep(write: Callable[..., None], path: Path) -> bytes:
    write(path, DEEP, icc=None, exif=exif())
    content = path.read_bytes()
    path.unlink()
    return content


SEEDS: dict[str, Callable[[Path], bytes]] = {
    "jpg": lambda _: encoded("JPEG", exif=exif()),
    "progressive.jpg": lambda _: encoded("JPEG", progressive=True),
    "cmyk.jpg": lambda _: encoded("JPEG", Image.fromarray(RGB).convert("CMYK")),
    "mpo.jpg": lambda _: encoded("MPO", save_all=True, append_images=[Image.fromarray(RGB)]),
    "png": lambda _: encoded("PNG", exif=exif()),
    "palette.png": lambda _: encoded("PNG", Image.fromarray(RGB).convert("P"), transparency=bytes(range(99))),
    "grey16.png": lambda _: encoded("PNG", Image.fromarray(DEEP[:, :, 0].copy())),
    "deep.png": lambda path: deep(write_png, path),
    "webp": lambda _: encoded("WEBP", exif=exif()),
    "lossless.webp": lambda _: encoded("WEBP", Image.fromarray(RGB).convert("RGBA"), lossless=True),
    "bmp": lambda _: encoded("BMP"),
    "palette.bmp": lambda _: encoded("BMP", Image.fromarray(RGB).convert("P")),
    "tif": lambda _: encoded("TIFF", exif=exif()),
    "lzw.tif": lambda _: encoded("TIFF", compression="tiff_lzw"),
    "lab.tif": lambda _: encoded("TIFF", Image.frombytes("LAB", (13, 11), RGB.tobytes())),
    "deep.tif": lambda path: deep(write_tiff, path),
}


def require_picture_or_refusal(path: Path) -> Picture | None:
    try:
        picture = read_picture(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
        return None
    assert picture.pixels.ndim == 3
    assert picture.pixels.shape[2] == 3
    assert picture.pixels.dtype in (np.uint8, np.uint16)
    assert picture.pixels.flags.c_contiguous
    assert picture.alpha is None or (picture.alpha.shape, picture.alpha.dtype) == (picture.size, picture.pixels.dtype)
    return picture


def damaged(content: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    """Truncated, with some bytes changed (half of them in the header), with a piece cut out."""
    for case in range(CASES):
        end = len(content) if case % 2 else min(len(content), 200)
        changed = bytearray(content)
        if case % 6 == 0:
            yield content[: int(rng.integers(0, len(content)))]
            continue
        if case % 6 == 1:
            start = int(rng.integers(0, end))
            yield content[:start] + content[start + int(rng.integers(1, 20)) :]
            continue
        for place in rng.integers(0, end, int(rng.integers(1, 5))):
            changed[place] = int(rng.integers(0, 256)) if case % 3 else changed[place] ^ (1 << int(rng.integers(0, 8)))
        yield bytes(changed)


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_files_are_read_or_refused(seed: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{seed.rpartition('.')[2]}"
    content = SEEDS[seed](path)
    path.write_bytes(content)
    assert require_picture_or_refusal(path) is not None
    outcomes = []
    for case in damaged(content, np.random.default_rng(zlib.crc32(seed.encode()))):
        path.write_bytes(case)
        outcomes.append(require_picture_or_refusal(path))
    assert sum(picture is None for picture in outcomes) >= 10


@pytest.mark.parametrize("seed", SEEDS)
def test_truncated_before_the_half_is_refused(seed: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{seed.rpartition('.')[2]}"
    content = SEEDS[seed](path)
    for length in range(0, len(content) // 2, max(1, len(content) // 60)):
        if seed == "mpo.jpg" and length > len(content) * 0.4:
            break  # the first of its two pictures may be whole
        path.write_bytes(content[:length])
        with pytest.raises(InputError):
            read_picture(path)


@pytest.mark.slow
def test_damaged_exif_does_not_prevent_reading_and_writing(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    block = exif()
    for case in range(300):
        changed = bytearray(block)
        for place in rng.integers(6, len(block), int(rng.integers(1, 6))):
            changed[place] = int(rng.integers(0, 256))
        suffix = ("jpg", "png", "webp")[case % 3]
        path = tmp_path / f"x.{suffix}"
        Image.fromarray(RGB).save(path, exif=bytes(changed))
        picture = read_picture(path)
        assert sorted(picture.size) == [11, 13]
        for output in ("o.jpg", "o.png", "o.webp", "o.tif"):
            writer = PictureWriter(tmp_path / output, picture, scale=1)
            writer.put(0, 0, picture.values())
            writer.save()
        assert read_picture(tmp_path / "o.png").size == picture.size


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def sized(seed: str, width: int, height: int) -> bytes:
    """A small file whose header declares another size."""
    content = bytearray(encoded({"png": "PNG", "jpg": "JPEG", "bmp": "BMP", "tif": "TIFF"}[seed]))
    if seed == "png":
        return png_header(width, height)
    if seed == "jpg":
        place = content.index(b"\xff\xc0") + 5
        content[place : place + 4] = struct.pack(">HH", height, width)
    if seed == "bmp":
        content[18:26] = struct.pack("<II", width, height)
    if seed == "tif":
        for tag, side in ((256, width), (257, height)):
            place = next(p for p in range(8, len(content), 2) if content[p : p + 2] == struct.pack("<H", tag))
            content[place : place + 12] = struct.pack("<HHII", tag, 4, 1, side)
    return bytes(content)


@pytest.mark.parametrize("seed", ["png", "jpg", "bmp", "tif"])
def test_huge_and_zero_declared_sizes_are_refused(seed: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{seed}"
    path.write_bytes(sized(seed, 60000, 50000))
    with pytest.raises(InputError, match=r"declares 60000x50000 pixels \(3000 MP\), the limit is 64 MP: raise it with"):
        read_picture(path)
    for width, height in ((0, 5), (5, 0), (0, 0)):
        path.write_bytes(sized(seed, width, height))
        with pytest.raises(InputError):
            read_picture(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tif"])
def test_garbage_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    starts = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x99\0\0\0WEBPVP8 ", b"BM", b"II*\0", b"MM\0+"]
    for start in starts:
        for length in (0, 1, 30, 3000):
            path.write_bytes(start + RNG.bytes(length))
            assert require_picture_or_refusal(path) is None
    for text in ("", "no image at all\n" * 9, "<svg/>", "%PDF-1.7", "GIF89a"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"not an image that can be read; give one of \.png"):
            read_picture(path)


@pytest.mark.parametrize("seed", ["jpg", "png", "webp", "bmp", "tif"])
def test_a_wrong_suffix_does_not_matter(seed: str, tmp_path: Path) -> None:
    for suffix in ("png", "jpg", "webp", "bmp", "tif"):
        path = tmp_path / f"x.{suffix}"
        path.write_bytes(SEEDS[seed](path))
        assert sorted(read_picture(path).size) == [11, 13]

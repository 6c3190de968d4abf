"""Pictures that are written row by row: the same as those written as a whole, and never half of one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.arrays import PicturePixels
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images import sixteen_bit, writing
from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.images.picture_writer import PictureWriter
from edgesr.runtimes.images.streamed_writer import CHUNK_ROWS, StreamedWriter
from edgesr.runtimes.images.tiff_head import TiffLayout
from edgesr.runtimes.images.writing import opened_writer, way_of_writing

SIZE, SCALE = (70, 45), 4
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(autouse=True)
def _every_picture_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "STREAMED_FROM_BYTES", 0)


def exif() -> bytes:
    tags = Image.Exif()
    tags.update({Base.Make: "maker"})
    tags.get_ifd(IFD.Exif).update({Base.ExifImageWidth: 9, Base.ExposureTime: (1, 50)})
    tags.get_ifd(IFD.GPSInfo).update({1: "N", 2: (1.0, 2.0, 3.5)})
    return tags.tobytes()


def source(*, bits: int = 8, grey: bool = False, alpha: bool = False) -> Picture:
    drawn = np.random.default_rng(1).integers(0, 1 << bits, (*SIZE, 4))
    if grey:
        drawn[:, :, :3] = drawn[:, :, :1]
    values: PicturePixels = drawn.astype(np.uint8) if bits == 8 else drawn.astype(np.uint16)
    transparency = np.ascontiguousarray(values[:, :, 3]) if alpha else None
    pixels = np.ascontiguousarray(values[:, :, :3])
    return Picture(pixels=pixels, alpha=transparency, grey=grey, icc=SRGB, exif=exif())


def output(*, grey: bool = False) -> NDArray[np.float32]:
    rng = np.random.default_rng(2)
    values = rng.uniform(0, 255, (3, SIZE[0] * SCALE, SIZE[1] * SCALE)).astype(np.float32)
    values[:, :100] = np.linspace(0, 255, values.shape[2], dtype=np.float32)
    return np.repeat(values[:1], 3, axis=0) if grey else values


def stream(path: Path, like: Picture, values: NDArray[np.float32], *, wrong_first: bool = False) -> Picture:
    """Row after row of pieces of 28x33; ``wrong_first``: some of another picture before all come again."""
    places = list(product(range(0, values.shape[1], 28), range(0, values.shape[2], 33)))
    with opened_writer(path, like, scale=SCALE) as writer:
        if wrong_first:
            for top, left in places[: len(places) // 2]:
                writer.put(top, left, 255 - values[:, top : top + 28, left : left + 33])
            writer.restart()
        for top, left in places:
            writer.put(top, left, values[:, top : top + 28, left : left + 33])
    return read_picture(path)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_rows_make_what_the_whole_makes(suffix: str, bits: int, grey: bool, alpha: bool, tmp_path: Path) -> None:
    if suffix == ".jpg" and alpha:
        with pytest.raises(InputError, match="holds no alpha"):
            stream(tmp_path / "x.jpg", source(bits=bits, alpha=True), output())
        return
    like, values = source(bits=bits, grey=grey, alpha=alpha), output(grey=grey)
    assert way_of_writing(tmp_path / f"rows{suffix}", like, scale=SCALE).streamed
    whole = PictureWriter(tmp_path / f"whole{suffix}", like, scale=SCALE)
    whole.put(0, 0, values)
    whole.save()
    expected = read_picture(tmp_path / f"whole{suffix}")
    found = stream(tmp_path / f"rows{suffix}", like, values, wrong_first=True)
    assert np.array_equal(found.pixels, expected.pixels)
    assert (found.alpha is None) == (expected.alpha is None) == (not alpha)
    if found.alpha is not None and expected.alpha is not None:
        assert np.array_equal(found.alpha, expected.alpha)
    assert (found.bits, found.grey, found.icc) == (expected.bits, expected.grey, expected.icc)


def test_a_png_of_rows_is_hardly_larger_than_pillows(tmp_path: Path) -> None:
    """Up to 8% on photographs; without a filter of rows it was 47% on this one."""
    values = photograph("cat", (SIZE[0] * SCALE, SIZE[1] * SCALE)).astype(np.float32)
    like = source()
    whole = PictureWriter(tmp_path / "whole.png", like, scale=SCALE)
    whole.put(0, 0, values)
    whole.save()
    stream(tmp_path / "rows.png", like, values)
    assert (tmp_path / "rows.png").stat().st_size < 1.1 * (tmp_path / "whole.png").stat().st_size


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_exif_is_written_with_the_new_size(suffix: str, tmp_path: Path) -> None:
    stream(tmp_path / f"x{suffix}", source(), output())
    with Image.open(tmp_path / f"x{suffix}") as image:
        tags = image.getexif()
        assert (tags[Base.Make], tags.get_ifd(IFD.GPSInfo)[2]) == ("maker", (1.0, 2.0, 3.5))
        assert tags.get_ifd(IFD.Exif)[Base.ExifImageWidth] == SIZE[1] * SCALE


@pytest.mark.parametrize("suffix", [".webp", ".bmp"])
def test_formats_that_need_the_whole(suffix: str, tmp_path: Path) -> None:
    way = way_of_writing(tmp_path / f"x{suffix}", source(), scale=SCALE)
    assert (way.streamed, way.description, way.row_bytes) == (False, "written as a whole", 0)
    assert way.held_bytes == 4 * SIZE[0] * SIZE[1] * SCALE**2


def test_without_libvips_tiff_alone_is_written_by_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sixteen_bit, "libvips_version", lambda: None)
    ways = {suffix: way_of_writing(tmp_path / f"x{suffix}", source(), scale=SCALE) for suffix in (".jpg", ".tif")}
    assert (ways[".jpg"].streamed, ways[".tif"].streamed) == (False, True)
    assert "pip install 'edgesr[images]'" in ways[".jpg"].description
    assert stream(tmp_path / "x.jpg", source(), output()).size == (SIZE[0] * SCALE, SIZE[1] * SCALE)


def test_the_encoder_counts_in_what_is_held(tmp_path: Path) -> None:
    """Rows of the output in any case, twice for a slow encoder; libvips and some rows more where it encodes."""
    suffixes = (".jpg", ".tif", ".png")
    ways = {suffix: way_of_writing(tmp_path / f"x{suffix}", source(), scale=SCALE) for suffix in suffixes}
    row_bytes = SIZE[1] * SCALE * 3
    assert ways[".jpg"].row_bytes == ways[".tif"].row_bytes == row_bytes * SCALE
    assert ways[".png"].row_bytes == 2 * row_bytes * SCALE, "the next row of tiles is made meanwhile"
    assert ways[".tif"].held_bytes == 0
    assert ways[".jpg"].held_bytes > 5_000_000 + 800 * row_bytes


class _Kept:
    """A stream that is done with rows when it is told so."""

    def __init__(self) -> None:
        self.rows: list[PicturePixels] = []
        self.done: list[Callable[[], None]] = []

    def write(self, rows: PicturePixels, done: Callable[[], None]) -> None:
        self.rows.append(rows)
        self.done.append(done)

    def finish(self) -> None: ...

    def abort(self) -> None: ...


def test_memory_of_rows_is_used_again_once_they_are_encoded() -> None:
    kept, layout = _Kept(), TiffLayout(width=SIZE[1] * SCALE, height=CHUNK_ROWS * SCALE * 4, bands=3, bits=8)
    like = Picture(pixels=np.zeros((4 * CHUNK_ROWS, SIZE[1], 3), dtype=np.uint8))
    writer = StreamedWriter(like, layout, scale=SCALE, opened=lambda: kept)
    rows = CHUNK_ROWS * SCALE
    for place in range(4):
        writer.put(place * rows, 0, np.full((3, rows, layout.width), place, dtype=np.float32))
        if place == 1:
            kept.done[0]()
    first, second, third, fourth = kept.rows
    assert np.shares_memory(first, third)
    assert not any(np.shares_memory(second, other) for other in (first, fourth))
    assert [int(rows.min()) for rows in (second, third, fourth)] == [1, 2, 3]
    assert [int(rows.max()) for rows in (second, third, fourth)] == [1, 2, 3]


class _FullDisk:
    """A file that takes 1000 bytes."""

    def __init__(self, path: Path) -> None:
        self._file, self._left = path.open("wb"), 1000

    def write(self, content: bytes) -> int:
        self._left -= len(content)
        if self._left < 0:
            raise OSError(28, "No space left on device")
        return self._file.write(content)

    def close(self) -> None:
        self._file.close()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
@pytest.mark.parametrize("why", ["full disk", "interrupt"])
def test_what_ends_early_leaves_the_old_file(
    suffix: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"old")
    like, values = source(), output()
    if why == "full disk":
        monkeypatch.setattr("edgesr.runtimes.images.row_streams.opened_file", _FullDisk)
        with pytest.raises(InputError, match=r"cannot be written: No space left"):
            stream(path, like, values)
    else:
        with pytest.raises(KeyboardInterrupt), opened_writer(path, like, scale=SCALE) as writer:
            writer.put(0, 0, values[:, :150])
            raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("height", "big"), [(20_000, False), (30_000, True)])
def test_tiff_above_four_gigabytes_is_big(height: int, big: bool) -> None:
    layout = TiffLayout(width=50_000, height=height, bands=3, bits=8)
    head = layout.head()
    assert layout.is_big == big
    assert head[:4] == (b"II+\0" if big else b"II*\0")
    counts = -(-height // 64)
    assert len(head) < 32 * counts + 1000


def test_png_alone_is_slow_to_encode(tmp_path: Path) -> None:
    ways = {suffix: way_of_writing(tmp_path / f"a{suffix}", source(), scale=4) for suffix in (".png", ".jpg", ".tif")}
    assert [suffix for suffix, way in ways.items() if way.slow] == [".png"]

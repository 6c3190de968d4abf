"""TIFF layouts that Pillow misreads, and values that no picture has."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import read_picture, read_rgb8
from edgesr.runtimes.images.sixteen_bit import write_tiff

DEEP = np.random.default_rng(3).integers(0, 65536, (6, 9, 4), dtype=np.uint16)


def write_plain_tiff(path: Path, planes: NDArray[np.uint16], photometric: int) -> None:
    """uint16 (c,h,w), each channel in a plane of its own, as no library here writes it."""
    count, height, width = planes.shape
    here = 8 + 2 + 10 * 12 + 4  # what does not fit into an entry, then the planes
    lists = struct.pack(f"<{count}H", *[16] * count), struct.pack(f"<{count}I", *[width * height * 2] * count)
    start = here + len(lists[0]) + 2 * len(lists[1])
    offsets = struct.pack(f"<{count}I", *[start + i * width * height * 2 for i in range(count)])
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, count, here), (259, 3, 1, 1), (262, 3, 1, photometric)]
    entries += [(273, 4, count, here + len(lists[0])), (277, 3, 1, count), (278, 4, 1, height)]
    entries += [(279, 4, count, here + len(lists[0]) + len(offsets)), (284, 3, 1, 2)]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + directory + bytes(4)
    path.write_bytes(head + lists[0] + offsets + lists[1] + planes.tobytes())


def test_sixteen_bits_in_planes(tmp_path: Path) -> None:
    """Pillow takes them for 8 bits, so even `read_rgb8` must not leave them to it."""
    write_plain_tiff(tmp_path / "x.tif", np.ascontiguousarray(DEEP[:, :, :3].transpose(2, 0, 1)), photometric=2)
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, DEEP[:, :, :3])
    assert np.array_equal(read_rgb8(tmp_path / "x.tif"), np.rint(DEEP[:, :, :3] / 257.0))


def test_grey_whose_white_is_zero_is_inverted(tmp_path: Path) -> None:
    grey = DEEP[:, :, 0].copy()
    Image.fromarray(grey).save(tmp_path / "x.tif", tiffinfo={262: 0})
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, np.stack([65535 - grey] * 3, axis=2))
    assert np.array_equal(read_rgb8(tmp_path / "x.tif")[:, :, 0], np.rint((65535 - grey) / 257.0))


def test_alpha_that_is_multiplied_in_is_divided_out_once(tmp_path: Path) -> None:
    pixels = DEEP // 4
    pixels[:, :, 3] = 32768
    write_tiff(tmp_path / "x.tif", pixels, icc=None, exif=None)
    content = (tmp_path / "x.tif").read_bytes()
    separate, associated = (struct.pack("<HHIHH", 338, 3, 1, kind, 0) for kind in (2, 1))
    assert content.count(separate) == 1
    (tmp_path / "x.tif").write_bytes(content.replace(separate, associated))
    picture = read_picture(tmp_path / "x.tif")
    assert np.abs(picture.pixels - pixels[:, :, :3] * (65535 / 32768)).max() <= 1
    assert picture.alpha is not None
    assert (picture.alpha == 32768).all()


@pytest.mark.parametrize("mode", ["F", "I"])
def test_values_without_a_defined_white_are_refused(mode: str, tmp_path: Path) -> None:
    Image.new(mode, (9, 6), 1).save(tmp_path / "x.tif")
    with pytest.raises(InputError, match=r"x\.tif: holds .* values, whose white is not defined; save it with 8 or 16"):
        read_picture(tmp_path / "x.tif")


def test_float_colours_are_refused(tmp_path: Path) -> None:
    pyvips.Image.black(9, 6, bands=3).cast("float").tiffsave(str(tmp_path / "x.tif"))
    with pytest.raises(InputError, match=r"x\.tif: holds 3 channels of type float, which cannot be read; save it as"):
        read_picture(tmp_path / "x.tif")

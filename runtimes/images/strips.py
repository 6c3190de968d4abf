"""Decode a large image in strips, from top to bottom, by libvips: what is held does not grow with the image."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from edgesr.runtimes.arrays import PicturePixels
from edgesr.runtimes.images.decoding import icc_profile, is_sixteen_bit_colour, opened, raw_mode
from edgesr.runtimes.images.exif import read_exif
from edgesr.runtimes.images.sixteen_bit import damaged, libvips_version, require_pyvips

STRIPS_FROM_BYTES = 3_000_000
"""What an image may take as a whole, decoded."""
DECODER_BYTES = 5_000_000
_DECODER_ROWS = 1000
"""What libvips holds: itself, and rows, as measured with docs/photographs/measure.py."""
_KEPT_ROWS = 32
"""Rows above those that were asked for last: strips overlap, and a noise level is computed around its rows."""
_STEP_ROWS = 64
_STRIPS = 3
_TIFF_COMPRESSION, _TIFF_PHOTOMETRIC, _TIFF_PLANAR, _TIFF_SAMPLES = 259, 262, 284, 277
_LOSSLESS = (1, 5, 8, 32773, 32946)  # none, LZW, deflate, PackBits, deflate
_PNG_TEXTS = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")


class StripRows:
    """RGB rows (n,w,3) of a file, grey repeated. Rows above the last ones are decoded again from the top."""

    def __init__(self, path: Path, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
        self._path, self._shape, self._dtype = path, shape, dtype
        self._vips = require_pyvips(path)
        self._image: Any = None
        self._top = 0
        self._rows: PicturePixels = np.empty((0, *shape[1:]), dtype=dtype)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    @property
    def held_rows(self) -> int:
        """The number of rows in memory."""
        return len(self._rows)

    def rows(self, first: int, last: int) -> PicturePixels:
        """Rows [first, last), not to be changed."""
        if self._image is None or first < self._top:
            self._rewind()
        bottom = self._top + len(self._rows)
        self._drop(first)
        while bottom < last:
            new = self._decoded(bottom, min(last, bottom + _STEP_ROWS))
            bottom += len(new)
            self._rows = np.concatenate([self._rows, new])
            self._drop(first)
        return self._rows[first - self._top : last - self._top]

    def _drop(self, first: int) -> None:
        """Forget what stands far above a row."""
        dropped = min(max(first - _KEPT_ROWS - self._top, 0), len(self._rows))
        self._rows = self._rows[dropped:]
        self._top += dropped

    def _rewind(self) -> None:
        """``revalidate``: libvips would else give what it remembers of an overwritten file."""
        try:
            self._image = self._vips.Image.new_from_file(
                os.fsencode(self._path), access="sequential", fail_on="error", revalidate=True
            )
        except self._vips.Error as error:
            raise damaged(self._path, error) from error
        self._top, self._rows = 0, self._rows[:0]

    def _decoded(self, first: int, last: int) -> PicturePixels:
        image = self._image
        try:
            content = self._vips.Region.new(image).fetch(0, first, image.width, last - first)
        except self._vips.Error as error:
            raise damaged(self._path, error) from error
        pixels = np.frombuffer(content, dtype=self._dtype).reshape(last - first, image.width, image.bands)
        return np.repeat(pixels, 3, axis=2) if image.bands == 1 else pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class StripPicture:
    """A picture without alpha as `Picture` describes it, whose pixels are decoded in strips."""

    pixels: StripRows
    grey: bool
    icc: bytes | None
    exif: bytes | None
    progressive: bool
    alpha: None = field(default=None, init=False)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def bits(self) -> int:
        """Bits a channel: 8 or 16."""
        return self.pixels.dtype.itemsize * 8

    @property
    def held_bytes(self) -> int:
        """libvips, what a strip has beyond a tile, and the coefficients of a progressive JPEG, 2 bytes each."""
        height, width, channels = self.pixels.shape
        rows = min(_DECODER_ROWS + _STRIPS * (_KEPT_ROWS + _STEP_ROWS), height)
        coefficients = 2 * height * width * channels if self.progressive else 0
        return DECODER_BYTES + rows * width * channels * self.pixels.dtype.itemsize + coefficients

    @property
    def row_bytes(self) -> int:
        """A strip, the one that is read ahead, and a copy while rows are put together."""
        _, width, channels = self.pixels.shape
        return _STRIPS * width * channels * self.pixels.dtype.itemsize

    @property
    def reading(self) -> str:
        """The way in which the picture is read, in words."""
        return "read in strips by libvips"


def opened_in_strips(path: Path, *, max_megapixels: float, from_bytes: int = STRIPS_FROM_BYTES) -> StripPicture | None:
    """A large image of a format that can be decoded in strips; None where it is decoded as a whole.

    As a whole: less than ``from_bytes``, turned by EXIF, alpha, palettes, CMYK, interlaced PNG, WebP, BMP.
    """
    try:
        with opened(path, max_megapixels=max_megapixels) as image:
            deep = is_sixteen_bit_colour(image) or image.mode == "I;16"
            shape, dtype = (image.height, image.width, 3), np.dtype(np.uint16 if deep else np.uint8)
            if shape[0] * shape[1] * 3 * dtype.itemsize < from_bytes or not _comes_in_rows(path, image):
                return None
            orientation, exif = read_exif(image, before_pixels=True)
            if orientation != 1 or libvips_version() is None:
                return None
            return StripPicture(
                pixels=StripRows(path, shape, dtype),
                grey=image.mode in ("L", "I;16"),
                icc=icc_profile(image),
                exif=exif,
                progressive=bool(image.info.get("progressive")),
            )
    except UnidentifiedImageError:
        return None


def _comes_in_rows(path: Path, image: Image.Image) -> bool:
    if "transparency" in image.info or image.mode not in ("RGB", "L", "I;16"):
        return False
    if image.format in ("JPEG", "MPO"):
        return image.mode != "I;16"
    if image.format == "PNG":
        plain = is_sixteen_bit_colour(image) or raw_mode(image) in ("RGB", "L", "I;16B")
        return plain and not image.info.get("interlace") and not _texts_behind_pixels(path)
    return image.format == "TIFF" and _is_plain_tiff(image)


def _is_plain_tiff(image: Image.Image) -> bool:
    tags = getattr(image, "tag_v2", {})
    return (
        tags.get(_TIFF_PHOTOMETRIC) == (2 if image.mode == "RGB" else 1)
        and tags.get(_TIFF_PLANAR, 1) == 1
        and tags.get(_TIFF_COMPRESSION, 1) in _LOSSLESS
        and tags.get(_TIFF_SAMPLES, 1) == (3 if image.mode == "RGB" else 1)
        and set(tags.get(258, (8,))) in ({8}, {16})
    )


def _texts_behind_pixels(path: Path) -> bool:
    """Whether a PNG may carry EXIF behind its pixels, where Pillow finds it only once it has decoded them."""
    with path.open("rb") as file:
        file.seek(8)
        return any(kind in _PNG_TEXTS for kind in _kinds_from_pixels_on(file))


def _kinds_from_pixels_on(file: BinaryIO) -> list[bytes]:
    kinds: list[bytes] = []
    while len(start := file.read(8)) == 8:
        if kinds or start[4:] == b"IDAT":
            kinds.append(start[4:])
        file.seek(int.from_bytes(start[:4]) + 4, os.SEEK_CUR)
    return kinds

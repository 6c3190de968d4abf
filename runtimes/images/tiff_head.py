"""The header of an uncompressed TIFF file; its pixels follow row by row."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, TiffImagePlugin
from PIL.ExifTags import IFD

_STRIP_ROWS = 64
_ROOM_FOR_TAGS = 2**20
_CLASSIC, _BIG = b"II*\0\0\0\0\0", b"II+\0\x08\0\0\0\0\0\0\0\0\0\0\0"
_LONG, _LONG8 = 4, 16  # types of TIFF


@dataclass(frozen=True, kw_only=True)
class TiffLayout:
    """Pixels of ``bits`` a channel, little-endian: grey or RGB, with alpha last where ``bands`` is even."""

    width: int
    height: int
    bands: int
    bits: int
    icc: bytes | None = None
    exif: bytes | None = None

    @property
    def row_bytes(self) -> int:
        return self.width * self.bands * self.bits // 8

    @property
    def pixel_bytes(self) -> int:
        return self.row_bytes * self.height

    @property
    def is_big(self) -> bool:
        """Whether offsets need more than 32 bits: BigTIFF."""
        return self.pixel_bytes + len(self.icc or b"") + len(self.exif or b"") + _ROOM_FOR_TAGS > 2**32

    def head(self) -> bytes:
        """Header and tags; the pixels follow at once, in strips of a few rows without gaps."""
        tags = TiffImagePlugin.ImageFileDirectory_v2(_BIG if self.is_big else _CLASSIC)
        if self.exif is not None:
            described = Image.Exif()
            described.load(self.exif)
            for tag in described:
                tags[tag] = described.get_ifd(tag) if tag in (IFD.Exif, IFD.GPSInfo) else described[tag]
        tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH] = self.width, self.height
        tags[TiffImagePlugin.BITSPERSAMPLE] = (self.bits,) * self.bands
        tags[TiffImagePlugin.SAMPLESPERPIXEL] = self.bands
        tags[TiffImagePlugin.COMPRESSION] = 1
        tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 1 if self.bands < 3 else 2
        tags[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
        if self.bands in (2, 4):
            tags[TiffImagePlugin.EXTRASAMPLES] = 2
        if self.icc is not None:
            tags[TiffImagePlugin.ICCPROFILE] = self.icc
        self._add_strips(tags)
        file = io.BytesIO()
        tags.save(file)
        return file.getvalue()

    def _add_strips(self, tags: TiffImagePlugin.ImageFileDirectory_v2) -> None:
        offsets = range(0, self.pixel_bytes, _STRIP_ROWS * self.row_bytes)
        for tag in (TiffImagePlugin.STRIPOFFSETS, TiffImagePlugin.STRIPBYTECOUNTS):
            tags.tagtype[tag] = _LONG8 if self.is_big else _LONG
        tags[TiffImagePlugin.ROWSPERSTRIP] = _STRIP_ROWS
        tags[TiffImagePlugin.STRIPOFFSETS] = tuple(offsets)  # counted from the end of the tags
        tags[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(
            min(_STRIP_ROWS * self.row_bytes, self.pixel_bytes - offset) for offset in offsets
        )

"""EXIF: which way up an image is, and the tags worth keeping when its pixels change."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image
from PIL.ExifTags import IFD, Base

from edgesr.runtimes.arrays import PicturePixels

MAX_JPEG_BYTES = 65533
_DAMAGED = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error, ZeroDivisionError)
# What describes the picture rather than how a file stores it (those would be wrong in another file).
_KEPT = (
    *(Base.ImageDescription, Base.Make, Base.Model, Base.XResolution, Base.YResolution, Base.ResolutionUnit),
    *(Base.Software, Base.DateTime, Base.Artist, Base.HostComputer, Base.Copyright, Base.Rating, Base.RatingPercent),
    *(Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject),
)


def read_exif(image: Image.Image, *, before_pixels: bool = False) -> tuple[int, bytes | None]:
    """Orientation 1..8 (1 when absent or senseless) and the tags to keep; a damaged block counts as absent.

    ``before_pixels``: only what stands in front of the pixels. Pillow decodes a PNG to look behind them.
    """
    try:
        exif = Image.Image.getexif(image) if before_pixels else image.getexif()
        orientation = exif.get(Base.Orientation, 1)
    except _DAMAGED:
        return 1, None
    if not isinstance(orientation, int) or not 1 <= orientation <= 8:
        orientation = 1
    try:
        return orientation, _kept(exif)
    except _DAMAGED:
        return orientation, None


def upright(pixels: PicturePixels, orientation: int) -> PicturePixels:
    """PicturePixels (h,w) or (h,w,c) as stored -> as meant, C-contiguous."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def resized_exif(exif: bytes, size: tuple[int, int]) -> bytes:
    """The same EXIF whose tags of the pixel dimensions, when it has them, say ``size`` (h,w)."""
    loaded = Image.Exif()
    loaded.load(exif)
    details = loaded.get_ifd(IFD.Exif)
    for tag, side in ((Base.ExifImageWidth, size[1]), (Base.ExifImageHeight, size[0])):
        if tag in details:
            details[tag] = side
    return loaded.tobytes()


def _kept(exif: Image.Exif) -> bytes | None:
    kept = Image.Exif()
    for tag in _KEPT:
        if tag in exif:
            kept[tag] = exif[tag]
    for directory in (IFD.Exif, IFD.GPSInfo):
        details = {tag: value for tag, value in exif.get_ifd(directory).items() if tag != IFD.Interop}
        if details:
            kept.get_ifd(directory).update(details)
    content = kept.tobytes()
    checked = Image.Exif()
    checked.load(content)
    has_any = bool(checked) or bool(checked.get_ifd(IFD.Exif)) or bool(checked.get_ifd(IFD.GPSInfo))
    return content if has_any else None

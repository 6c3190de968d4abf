"""Collect an upscaled picture piece by piece and write it: grey, alpha, 16 bits, profile and EXIF as the source has."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import replaced_atomically
from edgesr.runtimes.images import sixteen_bit
from edgesr.runtimes.images.exif import MAX_JPEG_BYTES, resized_exif
from edgesr.runtimes.images.image_io import check_writable
from edgesr.runtimes.images.picture import PictureLook
from edgesr.runtimes.images.rounding import fitting_profile, luma, upsampled_rows

DEFAULT_QUALITY = 95
_LOSSY = (".jpg", ".jpeg", ".webp")
_WITH_ALPHA = (".png", ".webp", ".tif", ".tiff")
_WITH_16_BITS = (".png", ".tif", ".tiff")
_LONGEST_SIDE = {".jpg": 65500, ".jpeg": 65500, ".webp": 16383}
_FOUR_GIGABYTES = 2**32 - 2**20
_BAND_ROWS = 64


def holds_alpha(path: Path) -> bool:
    """Whether a file of that suffix can hold alpha; when not, write `Picture.on_white`."""
    return path.suffix.lower() in _WITH_ALPHA


def holds_16_bits(path: Path) -> bool:
    """Whether a file of that suffix can hold 16 bits a channel."""
    return path.suffix.lower() in _WITH_16_BITS


def check_output_format(path: Path, size: tuple[int, int], *, scale: int, quality: int | None = None) -> None:
    """Refuse an output before work starts: place, suffix, ``quality``, or sides of ``scale`` times ``size`` (h,w)."""
    check_writable(path)
    suffix = path.suffix.lower()
    if quality is not None and suffix not in _LOSSY:
        raise InputError(f"{path}: {suffix} is lossless and has no quality; leave it out, or write .jpg or .webp")
    if quality is not None and not 1 <= quality <= 100:
        raise InputError(f"{path}: quality {quality} is not allowed; give 1 to 100")
    height, width = size[0] * scale, size[1] * scale
    longest = _LONGEST_SIDE.get(suffix)
    if longest is not None and max(height, width) > longest:
        raise InputError(
            f"{path}: would be {width}x{height} pixels, {suffix} holds at most {longest} a side; write .png or .tif"
        )
    if suffix == ".bmp" and (3 * width + 3) * height > _FOUR_GIGABYTES:
        raise InputError(f"{path}: would be {width}x{height} pixels, .bmp holds at most 4 GB; write .png or .tif")


def canvas_bytes(path: Path, like: PictureLook, *, scale: int) -> int:
    """Memory that a `PictureWriter` holds: 4 bytes a pixel for colour or alpha in 8 bits, 2 a channel in 16 bits."""
    pixels = like.size[0] * like.size[1] * scale**2
    if like.bits == 16 and holds_16_bits(path):
        return pixels * 2 * ((1 if like.grey else 3) + (like.alpha is not None))
    return pixels * (1 if like.grey and like.alpha is None and path.suffix.lower() != ".webp" else 4)


class PictureWriter:
    """The output of ``scale`` times the size of ``like``; alpha, profile and EXIF are those of ``like``.

    16 bits and alpha stay where the format holds them; ``like`` must have no alpha where it does not.
    """

    def __init__(self, path: Path, like: PictureLook, *, scale: int, quality: int | None = None) -> None:
        check_output_format(path, like.size, scale=scale, quality=quality)
        if like.alpha is not None and not holds_alpha(path):
            raise InputError(f"{path}: {path.suffix} holds no alpha; lay the picture on white, or write .png")
        self._path, self._like, self._scale = path, like, scale
        self._size = (like.size[0] * scale, like.size[1] * scale)
        try:
            self._canvas: _Canvas
            if like.bits == 16 and holds_16_bits(path):
                self._canvas = _Canvas16(path, self._size, like)
            else:
                self._canvas = _Canvas8(path, self._size, like, DEFAULT_QUALITY if quality is None else quality)
        except MemoryError as error:
            raise InputError(
                f"{path}: {self._size[1]}x{self._size[0]} pixels do not fit in memory; give a smaller image"
            ) from error

    def put(self, top: int, left: int, values: NDArray[np.float32]) -> None:
        """Place float32 (3,h,w) in [0,255] at an output position, rounded and clipped; a later piece wins."""
        self._canvas.put(top, left, values)

    def restart(self) -> None:
        """All pieces come again, and win."""

    def save(self) -> None:
        """Encode and write; the file appears whole or not at all."""
        if self._like.alpha is not None:
            height = self._like.size[0]
            for first in range(0, height, _BAND_ROWS):
                last = min(first + _BAND_ROWS, height)
                self._canvas.put_alpha(first * self._scale, upsampled_rows(self._like.alpha, self._scale, first, last))
        exif = None if self._like.exif is None else resized_exif(self._like.exif, self._size)
        with replaced_atomically(self._path) as temporary:
            self._canvas.save(temporary, exif=exif)


class _Canvas(Protocol):
    """An output image in memory; values of `put_alpha` are of the source's range."""

    def put(self, top: int, left: int, values: NDArray[np.float32]) -> None: ...

    def put_alpha(self, top: int, band: NDArray[np.float32]) -> None: ...

    def save(self, temporary: Path, *, exif: bytes | None) -> None: ...


class _Canvas8:
    """A Pillow image, the only copy."""

    def __init__(self, path: Path, size: tuple[int, int], like: PictureLook, quality: int) -> None:
        self._path, self._like, self._quality = path, like, quality
        self._suffix = path.suffix.lower()
        mode = "L" if like.grey and self._suffix != ".webp" else "RGB"  # Pillow would copy the whole for WebP
        self._icc = fitting_profile(like.icc, grey=mode == "L")
        self._image = Image.new(mode if like.alpha is None else mode + "A", (size[1], size[0]))

    def put(self, top: int, left: int, values: NDArray[np.float32]) -> None:
        rounded = np.rint(values).clip(0, 255).astype(np.uint8)
        piece = Image.merge("RGB", [Image.fromarray(channel) for channel in rounded])
        if self._like.grey:
            piece = piece.convert("L")
        self._image.paste(piece if piece.mode == self._image.mode else piece.convert(self._image.mode), (left, top))

    def put_alpha(self, top: int, band: NDArray[np.float32]) -> None:
        if self._like.bits == 16:
            band = band / np.float32(257)
        alpha = Image.fromarray(np.rint(band).clip(0, 255).astype(np.uint8))
        rows = self._image.crop((0, top, self._image.width, top + alpha.height))
        rows.putalpha(alpha)
        self._image.paste(rows, (0, top))

    def save(self, temporary: Path, *, exif: bytes | None) -> None:
        options: dict[str, object] = {}
        if self._suffix in _LOSSY:
            options["quality"] = self._quality
        if self._suffix in (".jpg", ".jpeg"):
            options["subsampling"] = "4:4:4"
        if self._suffix in (".tif", ".tiff"):
            options["big_tiff"] = 4 * self._image.width * self._image.height > _FOUR_GIGABYTES
        if self._suffix != ".bmp" and self._icc is not None:
            options["icc_profile"] = self._icc
        if exif is not None and not (self._suffix in (".jpg", ".jpeg") and len(exif) > MAX_JPEG_BYTES):
            options["exif"] = exif
        try:
            self._image.save(temporary, format=Image.registered_extensions()[self._suffix], **options)
        except ValueError as error:
            raise InputError(f"{self._path}: cannot be encoded: {error}; write .png") from error


class _Canvas16:
    """A uint16 array (H,W,c): grey or RGB, with alpha last."""

    def __init__(self, path: Path, size: tuple[int, int], like: PictureLook) -> None:
        self._tiff = path.suffix.lower() != ".png"
        self._grey = like.grey
        self._icc = fitting_profile(like.icc, grey=like.grey)
        self._colours = 1 if like.grey else 3
        if not self._tiff and (not like.grey or like.alpha is not None):
            sixteen_bit.require_pyvips(path)
        self._pixels = np.zeros((*size, self._colours + (like.alpha is not None)), dtype=np.uint16)

    def put(self, top: int, left: int, values: NDArray[np.float32]) -> None:
        piece = np.rint(values * np.float32(257)).clip(0, 65535).astype(np.uint16)
        if self._grey:
            piece = luma(piece)[np.newaxis]
        height, width = piece.shape[1:]
        self._pixels[top : top + height, left : left + width, : self._colours] = piece.transpose(1, 2, 0)

    def put_alpha(self, top: int, band: NDArray[np.float32]) -> None:
        self._pixels[top : top + band.shape[0], :, -1] = np.rint(band).clip(0, 65535)

    def save(self, temporary: Path, *, exif: bytes | None) -> None:
        write = sixteen_bit.write_tiff if self._tiff else sixteen_bit.write_png
        write(temporary, self._pixels, icc=self._icc, exif=exif)

"""The way from an image file to a `Picture`: every mode that Pillow knows, and 16-bit colour by libvips."""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from edgesr.runtimes.arrays import PicturePixels
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import why_irregular
from edgesr.runtimes.images import sixteen_bit
from edgesr.runtimes.images.exif import read_exif, upright
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.wording import counted

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
DEFAULT_MAX_MEGAPIXELS = 64.0
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DAMAGED = (
    *(OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, EOFError),
    *(struct.error, zlib.error),
)
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
_pillow_is_ours = threading.Lock()


def decode(path: Path, *, max_megapixels: float, reduce_colour: bool = False) -> Picture:
    """Decode one image; ``reduce_colour`` leaves 16-bit colour to Pillow, which reduces it to 8 bits: no pyvips."""
    try:
        with opened(path, max_megapixels=max_megapixels) as image:
            return _decode_opened(path, image, reduce_colour=reduce_colour)
    except UnidentifiedImageError as error:
        if _starts_as_tiff(path):
            return _decode_tiff_of_libvips(path, max_megapixels)
        raise InputError(f"{path}: not an image that can be read; give one of {', '.join(SUFFIXES)}") from error


@contextmanager
def opened(path: Path, *, max_megapixels: float) -> Iterator[Image.Image]:
    """Pillow's image with its header checked, not decoded yet; what fails in the body becomes an InputError.

    Raises an UnidentifiedImageError where Pillow does not know the file.
    """
    with _quiet_pillow():
        try:
            if why := why_irregular(path):
                raise InputError(f"{path}: {why}")
            with Image.open(path, formats=_FORMATS) as image:
                _check_header(path, image, max_megapixels)
                yield image
        except UnidentifiedImageError:
            raise
        except PermissionError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}; change its permissions") from error
        except MemoryError as error:
            raise InputError(f"{path}: too large for the memory of this machine; give a smaller image") from error
        except _DAMAGED as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"{path}: damaged or truncated image: {reason}; give a whole file") from error


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Pillow without its own limit on pixels and without warnings; both are of the process, so one thread at a time."""
    with _pillow_is_ours, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _check_header(path: Path, image: Image.Image, max_megapixels: float) -> None:
    _check_size(path, *image.size, max_megapixels)
    if image.format != "MPO":  # phones put a second picture or a depth map behind the photograph
        _check_frames(path, getattr(image, "n_frames", 1))
    if image.mode in ("I", "F"):
        kind = "floating-point" if image.mode == "F" else "32-bit or signed"
        raise InputError(
            f"{path}: holds {kind} values, whose white is not defined; save it with 8 or 16 bits a channel"
        )


def _check_size(path: Path, width: int, height: int, max_megapixels: float) -> None:
    if min(width, height) < 1:
        raise InputError(f"{path}: damaged or truncated image: declares {width}x{height} pixels; give a whole file")
    megapixels = width * height / 1e6
    if megapixels > max_megapixels:
        raise InputError(
            f"{path}: declares {width}x{height} pixels ({megapixels:.6g} MP), the limit is {max_megapixels:g} MP: "
            "raise it with --max-megapixels"
        )


def _check_frames(path: Path, frames: int) -> None:
    if frames > 1:
        raise InputError(f"{path}: has {frames} frames; give one image")


def _decode_opened(path: Path, image: Image.Image, *, reduce_colour: bool) -> Picture:
    by_libvips = is_sixteen_bit_colour(image) and not (reduce_colour and ";16" in raw_mode(image))
    mode, is_tiff = image.mode, image.format == "TIFF"
    if not by_libvips and not is_tiff:
        image.load()  # PNG may carry EXIF behind its pixels
    orientation, exif = read_exif(image)
    icc = icc_profile(image)
    if by_libvips:
        deep = sixteen_bit.read(path, tiff=is_tiff)
        if mode == "RGB" and is_tiff:
            deep = deep[:, :, :3]  # a fourth sample is not alpha
        return _picture(deep, orientation, icc, exif)
    image.load()
    if is_tiff:
        orientation = 1  # Pillow applies it, in TIFF alone
    if image.mode in ("CMYK", "LAB"):
        return _picture(np.asarray(_to_srgb(image, icc)), orientation, None, exif)
    if image.mode.startswith("I;16"):
        return _picture(_grey16(image), orientation, icc, exif)
    return _picture(_channels(image), orientation, icc, exif)


def _picture(channels: PicturePixels, orientation: int, icc: bytes | None, exif: bytes | None) -> Picture:
    """``channels`` (h,w,c) as stored: grey, grey and alpha, RGB, or RGB and alpha for c of 1 to 4."""
    count = channels.shape[2]
    colours = channels[:, :, :3] if count >= 3 else np.repeat(channels[:, :, :1], 3, axis=2)
    alpha = None if count in (1, 3) else upright(channels[:, :, -1], orientation)
    return Picture(pixels=upright(colours, orientation), alpha=alpha, grey=count < 3, icc=icc, exif=exif)


def _channels(image: Image.Image) -> NDArray[np.uint8]:
    """uint8 (h,w,c) of any 8-bit or 1-bit mode, c as in `_picture`."""
    grey = image.mode in ("1", "L", "LA", "La")
    alpha = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    converted = np.asarray(image.convert(("L" if grey else "RGB") + ("A" if alpha else "")))
    return converted.reshape(image.height, image.width, -1)


def _grey16(image: Image.Image) -> NDArray[np.uint16]:
    """uint16 (h,w,1 or 2); Pillow neither inverts TIFF where white is zero nor stretches 12 bits."""
    values = np.asarray(image).astype(np.uint16)[:, :, np.newaxis]
    tags = getattr(image, "tag_v2", {})
    if tags.get(_BITS_PER_SAMPLE) == (12,):
        values = np.rint(values * np.float32(65535 / 4095)).astype(np.uint16)
    transparent = image.info.get("transparency")
    if transparent is not None:
        return np.concatenate([values, np.where(values == transparent, 0, 65535).astype(np.uint16)], axis=2)
    return 65535 - values if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else values


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """CMYK or LAB to RGB by its profile; by Pillow's plain formula without one, or when it does not fit."""
    from PIL import ImageCms

    if icc is not None:
        try:
            converted = ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def icc_profile(image: Image.Image) -> bytes | None:
    icc = image.info.get("icc_profile")
    return icc if isinstance(icc, bytes) and icc else None


def is_sixteen_bit_colour(image: Image.Image) -> bool:
    """Whether Pillow would silently reduce the image to 8 bits, told by its raw mode; also true for TIFF in separate
    planes, which it misreads.
    """
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))
    return image.mode in ("RGB", "RGBA") and (bits[0] == 16 or ";16B" in raw_mode(image))


def raw_mode(image: Image.Image) -> str:
    """Pillow's name for the samples in the file, such as "RGB;16B"; empty when it gives none."""
    tiles = getattr(image, "tile", [])
    arguments = tiles[0].args if tiles else ""
    if isinstance(arguments, tuple):
        arguments = arguments[0] if arguments else ""
    return arguments if isinstance(arguments, str) else ""


def _starts_as_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in _TIFF_STARTS


def _decode_tiff_of_libvips(path: Path, max_megapixels: float) -> Picture:
    """TIFF layouts that Pillow does not know, such as 16-bit grey with alpha."""
    header = sixteen_bit.tiff_header(path)
    _check_size(path, header.width, header.height, max_megapixels)
    _check_frames(path, header.frames)
    if header.sample_type != "ushort" or header.bands > 4 or header.is_cmyk:
        raise InputError(
            f"{path}: holds {counted(header.bands, 'channel')} of type {header.sample_type}, which cannot be read; "
            "save it as grey or RGB with 8 or 16 bits a channel"
        )
    return _picture(sixteen_bit.read(path, tiff=True), header.orientation, header.icc, None)

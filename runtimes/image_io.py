"""Decode and encode images. In memory an image is float32 (3,h,w), RGB, in [0,255]."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from runtimes.errors import InputError
from runtimes.files import write_atomically

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_SIXTEEN_BIT_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def read_rgb8(path: Path) -> NDArray[np.uint8]:
    """Decode to uint8 (h,w,3) RGB, EXIF orientation applied; grey and palette become RGB, alpha is laid on white."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened)
            return np.asarray(_to_rgb(upright))
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: not an image that can be read; give one of {', '.join(SUFFIXES)}") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: refused, too many pixels: {error}") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: damaged or truncated image: {error}") from error


def read_image(path: Path) -> NDArray[np.float32]:
    """Decode to float32 (3,h,w) RGB in [0,255]."""
    return np.ascontiguousarray(read_rgb8(path).transpose(2, 0, 1)).astype(np.float32)


def write_image(path: Path, image: NDArray[np.float32]) -> None:
    """Round float32 (3,H,W) in [0,255] to 8 bits and encode by suffix; the file appears whole or not at all."""
    check_writable(path)
    pixels = np.rint(image).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    encoded = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(
        encoded, format=Image.registered_extensions()[path.suffix.lower()]
    )
    write_atomically(path, encoded.getvalue())


def check_writable(path: Path) -> None:
    """Refuse an output path before work starts: unknown suffix, missing or read-only folder, a folder in its place."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: unknown image suffix {path.suffix!r}; use one of {', '.join(SUFFIXES)}")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a file name")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path}: the folder {path.parent} is not writable")


def list_images(folder: Path) -> list[Path]:
    """Image files directly in a folder, sorted by name; an InputError when there is none."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise InputError(f"{folder}: no image in it; expected files ending in {', '.join(SUFFIXES)}")
    return files


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT_MODES:
        values = np.asarray(image).astype(np.float32)
        return Image.fromarray(np.rint(values / 257.0).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")

"""Decode and encode images. In memory an image is float32 (3,h,w), RGB, in [0,255]."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import replaced_atomically
from edgesr.runtimes.images.decoding import DEFAULT_MAX_MEGAPIXELS, SUFFIXES, decode
from edgesr.runtimes.images.picture import Picture

__all__ = [
    "DEFAULT_MAX_MEGAPIXELS",
    "SUFFIXES",
    "check_writable",
    "list_images",
    "read_image",
    "read_picture",
    "read_rgb8",
    "write_image",
]


def read_picture(path: Path, *, max_megapixels: float = DEFAULT_MAX_MEGAPIXELS) -> Picture:
    """Decode with alpha, 16 bits, profile and EXIF kept, EXIF orientation applied; one image of at most that size."""
    return decode(path, max_megapixels=max_megapixels)


def read_rgb8(path: Path, *, max_megapixels: float = DEFAULT_MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """Decode to uint8 (h,w,3) RGB, EXIF orientation applied; grey and palette become RGB, alpha is laid on white.

    16-bit values are reduced to 8 bits.
    """
    pixels = decode(path, max_megapixels=max_megapixels, reduce_colour=True).on_white().pixels
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    return np.rint(pixels / np.float32(257)).astype(np.uint8)


def read_image(path: Path) -> NDArray[np.float32]:
    """Decode to float32 (3,h,w) RGB in [0,255], as `read_rgb8`."""
    return Picture(pixels=read_rgb8(path)).values()


def write_image(path: Path, image: NDArray[np.float32]) -> None:
    """Round float32 (3,H,W) in [0,255] to 8 bits and encode by suffix; the file appears whole or not at all."""
    check_writable(path)
    pixels = np.rint(image).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    with replaced_atomically(path) as temporary:
        Image.fromarray(np.ascontiguousarray(pixels)).save(
            temporary, format=Image.registered_extensions()[path.suffix.lower()]
        )


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
    """Image files directly in a folder, sorted by name; raises an InputError when there is none."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise InputError(f"{folder}: no image in it; expected files ending in {', '.join(SUFFIXES)}")
    return files

"""Pixel arrays of the public API: RGB (h,w,3) as uint8, uint16 (0..65535) or float32 in [0,255]."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edgesr.runtimes.arrays import AnyPixels
from edgesr.runtimes.errors import InputError

_UINT16_PER_LEVEL = 257


def require_pixels(image: AnyPixels) -> AnyPixels:
    """The image as (h,w,3), grey repeated; raises an InputError for any other shape, dtype or value."""
    if image.ndim == 2:
        image = np.broadcast_to(image[:, :, None], (*image.shape, 3))
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InputError(f"image of shape {image.shape}: give RGB (height, width, 3) or grey (height, width)")
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise InputError(f"image of dtype {image.dtype}: give uint8, uint16 (0..65535), or float32 in [0,255]")
    if image.dtype == np.float32 and not (image.min() >= 0 and image.max() <= 255):
        raise InputError("float32 image with values outside [0,255], or not finite: scale and clip it first")
    return image


def rgb_values(image: AnyPixels) -> NDArray[np.float32]:
    """(h,w,3) of any of the dtypes -> float32 (3,h,w) in [0,255], contiguous."""
    values = np.ascontiguousarray(image.transpose(2, 0, 1)).astype(np.float32)
    return values / np.float32(_UINT16_PER_LEVEL) if image.dtype == np.uint16 else values


def in_dtype(values: NDArray[np.float32], dtype: DTypeLike) -> AnyPixels:
    """Finite float32 (3,h,w) -> (h,w,3) of that dtype: clipped to [0,255], and rounded where the dtype is integer."""
    values = np.clip(values, 0, 255)
    if dtype == np.uint16:
        values = values * np.float32(_UINT16_PER_LEVEL)
    if dtype != np.float32:
        values = np.rint(values).astype(dtype)
    return values.transpose(1, 2, 0)

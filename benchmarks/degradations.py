"""How an HR photograph becomes an LR one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def crop_to_multiple(image: Pixels, scale: int) -> Pixels:
    """(H,W,3) -> the top left part whose sides are multiples of ``scale``."""
    return image[: image.shape[0] // scale * scale, : image.shape[1] // scale * scale]


def downscale_bicubic(image: Pixels, scale: int) -> Pixels:
    """(s*h,s*w,3) uint8 -> (h,w,3) uint8, antialiased bicubic with a = -0.5, as MATLAB's imresize."""
    return _resize_bicubic(image, image.shape[1] // scale, image.shape[0] // scale)


def upscale_bicubic(image: Pixels, scale: int) -> Pixels:
    """(h,w,3) uint8 -> (s*h,s*w,3) uint8, the usual baseline of super-resolution."""
    return _resize_bicubic(image, image.shape[1] * scale, image.shape[0] * scale)


def _resize_bicubic(image: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))

"""The way between float pictures and the integers of a file: luma, profiles that fit, alpha in the size of the
output.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.arrays import PicturePixels
from edgesr.runtimes.glue.bilinear import upsample_bilinear


def luma(rgb: PicturePixels) -> PicturePixels:
    """BT.601 of uint8 or uint16 (3,h,w) -> (h,w), with the fixed-point weights of Pillow's convert("L")."""
    red, green, blue = (channel.astype(np.uint32) for channel in rgb)
    weighted: PicturePixels = ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(rgb.dtype)
    return weighted


def fitting_profile(icc: bytes | None, *, grey: bool) -> bytes | None:
    """The profile when it is one of the output's colours: a file with another one is invalid."""
    if icc is None or icc[36:40] != b"acsp":
        return None
    return icc if icc[16:20] == (b"GRAY" if grey else b"RGB ") else None


def upsampled_rows(alpha: PicturePixels, scale: int, first: int, last: int) -> NDArray[np.float32]:
    """float32 (rows,W): what belongs to LR rows [first, last) of the upsampled whole (h,w)."""
    top = max(first - 1, 0)
    around = alpha[top : last + 1].astype(np.float32)[np.newaxis]
    return upsample_bilinear(around, scale)[0, (first - top) * scale : (last - top) * scale]

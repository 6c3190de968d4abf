"""Networks of one channel and colour photographs: luma is what they take, the colours are added to their picture.

A network of colour "grey" takes full-range luma of BT.601, L = 0.299 R + 0.587 G + 0.114 B; one of colour "luma" takes
studio luma, Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255 = 16 + 219/255 L, as MATLAB's rgb2ycbcr.

Colours are kept as red and blue less green. Cb and Cr are multiples of the same differences from grey, so that
interpolating either gives the same picture, but here a grey image has colours of exactly 0 and stays grey.
"""

from __future__ import annotations

import numpy as np

from edgesr.runtimes.arrays import FloatArray, Image
from edgesr.runtimes.bundle.contract import Colour

_RED, _BLUE = np.float32(0.299), np.float32(0.114)
_BLACK, _RANGE = np.float32(16), np.float32(219 / 255)


def network_image(image: Image, colour: Colour) -> FloatArray:
    """RGB (3,h,w) in [0,255] -> what a network of a colour takes: the image as it is, or its luma (1,h,w)."""
    if colour == "rgb":
        return image
    luma: FloatArray = image[1:2] + _green_to_luma(colours(image))
    return luma * _RANGE + _BLACK if colour == "luma" else luma


def colours(image: Image) -> FloatArray:
    """RGB (3,h,w) -> what is no luma of it (2,h,w): red less green and blue less green, exactly 0 for grey."""
    return image[::2] - image[1:2]


def rgb_picture(picture: FloatArray, colour: Colour, added: FloatArray | None = None) -> Image:
    """A network's picture (c,h,w) -> RGB (3,h,w), which may pass [0,255]; without ``added`` colours (2,h,w) it is grey.

    A picture of three channels is given back as it is.
    """
    if colour == "rgb":
        return picture
    luma: FloatArray = (picture - _BLACK) / _RANGE if colour == "luma" else picture
    if added is None:
        return np.repeat(luma, 3, axis=0)
    green = luma - _green_to_luma(added)
    return np.concatenate([green + added[:1], green, green + added[1:]])


def _green_to_luma(differences: FloatArray) -> FloatArray:
    """Luma less green (1,h,w): 0 for a grey image, so that its luma is exactly its value."""
    luma: FloatArray = _RED * differences[:1] + _BLUE * differences[1:]
    return luma

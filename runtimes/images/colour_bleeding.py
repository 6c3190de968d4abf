"""Bleed the colours of visible pixels into transparent ones, whose own colours nobody saw.

A network mixes each pixel with its neighbours. Without this step the black that most files hold below their transparent
parts becomes a dark fringe around what is visible. The method is the pull-push algorithm of Gortler, Grzeszczuk,
Szeliski and Cohen, The Lumigraph, SIGGRAPH 1996, section 3.4: every coarser level holds weighted means of 2x2 pixels,
and each pixel takes from the coarser level what its own weight leaves open. Near a visible pixel that is nearly its
colour.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgesr.runtimes.arrays import Image, PicturePixels
from edgesr.runtimes.glue.bilinear import upsample_bilinear, upsample_region
from edgesr.runtimes.images.picture import Picture

_RELIABLE_SHARE = 8
"""From an eighth of full alpha on, or the picture's highest alpha, a pixel keeps its colour. Below, its weight falls as
the square of its alpha: a colour that was once stored as an 8-bit product with its alpha a is wrong by up to 127/a
levels, a variance of 1/a^2."""
_BAND_ROWS = 128


def bleed_colours(picture: Picture) -> Picture:
    """The same picture, its alpha untouched, with colours continued into pixels of little or no alpha.

    A picture without alpha, without a pixel of little alpha, or without a visible pixel is given back as it is.
    """
    if picture.alpha is None or not picture.alpha.any():
        return picture
    if picture.alpha.min() >= _reliable(picture.alpha):
        return picture
    bands = [slice(top, top + _BAND_ROWS) for top in range(0, picture.size[0], _BAND_ROWS)]
    least = _reliable(picture.alpha)
    coarse = _filled(np.concatenate([_halved(_weighted(picture, rows, least)) for rows in bands], axis=1))
    pixels = np.empty_like(picture.pixels)
    for rows in bands:
        weighted = _weighted(picture, rows, least)
        half = slice(rows.start // 2, rows.start // 2 + -(-weighted.shape[1] // 2))
        around = upsample_region(coarse, 2, half, slice(0, coarse.shape[2]))
        pixels[rows] = np.rint(_pushed(weighted, around)).transpose(1, 2, 0)
    return replace(picture, pixels=pixels)


def _reliable(alpha: PicturePixels) -> float:
    """The least alpha of pixels that keep their colour."""
    return min(np.iinfo(alpha.dtype).max / _RELIABLE_SHARE, float(alpha.max()))


def _weighted(picture: Picture, rows: slice, least: float) -> Image:
    """float32 (4,n,w) of these rows: the three colours times the pixel's weight, and the weight in [0,1]."""
    assert picture.alpha is not None
    result = np.empty((4, *picture.alpha[rows].shape), dtype=np.float32)
    np.square(np.minimum(picture.alpha[rows] / np.float32(least), 1), out=result[3])
    np.multiply(picture.pixels[rows].transpose(2, 0, 1), result[3], out=result[:3])
    return result


def _filled(weighted: Image) -> Image:
    """(4,h,w) as `_weighted` gives it, with a weight above 0 somewhere -> colours (3,h,w) of every pixel."""
    if weighted.shape[1:] == (1, 1):
        colours: Image = weighted[:3] / weighted[3]
        return colours
    return _pushed(weighted, upsample_bilinear(_filled(_halved(weighted)), 2))


def _halved(weighted: Image) -> Image:
    """The next coarser level (4,ceil(h/2),ceil(w/2)): sums over 2x2 pixels, made smaller where a weight passes 1."""
    height, width = weighted.shape[1:]
    even = np.pad(weighted, [(0, 0), (0, height % 2), (0, width % 2)])
    rows = even[:, ::2] + even[:, 1::2]
    sums = rows[:, :, ::2] + rows[:, :, 1::2]
    sums /= np.maximum(sums[3], 1)
    return sums


def _pushed(weighted: Image, around: Image) -> Image:
    """Colours (3,h,w): the pixel's own by its weight, and for the rest those ``around`` it (3,>=h,>=w)."""
    result: Image = around[:, : weighted.shape[1], : weighted.shape[2]] * (1 - weighted[3])
    result += weighted[:3]
    return result

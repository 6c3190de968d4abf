"""Bilinear upsampling in numpy, as torch and ONNX Resize do it. Images are float32 (3,h,w), RGB, in [0,255]."""

from __future__ import annotations

import numpy as np

from edgesr.runtimes.arrays import FloatArray, Image


def upsample_bilinear(image: Image, scale: int) -> Image:
    """(c,h,w) -> (c,scale*h,scale*w): half-pixel centres, edges replicated, no antialias (as torch and ONNX Resize)."""
    return upsample_region(image, scale, slice(0, image.shape[1]), slice(0, image.shape[2]))


def upsample_region(image: Image, scale: int, rows: slice, columns: slice) -> Image:
    """The part of `upsample_bilinear` (c,h,w) that belongs to these LR rows and columns, computed from it alone."""
    top, bottom = max(rows.start - 1, 0), min(rows.stop + 1, image.shape[1])
    wide = _upsample_axis(image[:, top:bottom], scale, columns, axis=2)
    return _upsample_axis(wide, scale, slice(rows.start - top, rows.stop - top), axis=1)


def _upsample_axis(image: Image, scale: int, part: slice, *, axis: int) -> Image:
    """One output phase after the other, of a part of an axis: each is a fixed mix of a pixel and its neighbour.

    Two phases have the same two weights, so that each product is computed once for both.
    """
    start, count = max(part.start - 1, 0), part.stop - part.start
    pixels = np.moveaxis(image, axis, 0)[start : part.stop + 1]
    before, behind = part.start - start, len(pixels) - (part.stop - start)
    result = np.empty((*image.shape[:axis], count, scale, *image.shape[axis + 1 :]), dtype=image.dtype)
    phases = np.moveaxis(result, (axis + 1, axis), (0, 1))
    for phase in range((scale + 1) // 2):
        distance = abs((phase + 0.5) / scale - 0.5)
        own, other = pixels * np.float32(1 - distance), pixels * np.float32(distance)
        _add_shifted(own, other, phases[phase], before)
        if phase != scale - 1 - phase:
            _add_shifted(own[::-1], other[::-1], phases[scale - 1 - phase][::-1], behind)
    return result.reshape(*image.shape[:axis], count * scale, *image.shape[axis + 1 :])


def _add_shifted(own: FloatArray, other: FloatArray, out: FloatArray, before: int) -> None:
    """Every pixel plus the one before it along the first axis, from place ``before`` (0 or 1) on.

    Before the first one of an image is the first.
    """
    count = len(out)
    if before:
        np.add(own[1 : count + 1], other[:count], out=out)
    else:
        np.add(own[1:count], other[: count - 1], out=out[1:])
        np.add(own[:1], other[:1], out=out[:1])

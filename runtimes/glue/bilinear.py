"""Bilinear upsampling in numpy, as torch and ONNX Resize do it. Images are float32 (3,h,w), RGB, in [0,255]."""

from __future__ import annotations

import numpy as np

from edgesr.runtimes.arrays import FloatArray, Image


def upsample_bilinear(image: Image, scale: int) -> Image:
    """(c,h,w) -> (c,scale*h,scale*w): half-pixel centres, edges replicated, no antialias (as torch and ONNX Resize)."""
    return _upsample_axis(_upsample_axis(image, scale, axis=2), scale, axis=1)


def upsample_region(image: Image, scale: int, rows: slice, columns: slice) -> Image:
    """The part of `upsample_bilinear` (c,h,w) that belongs to these LR rows and columns, computed from it alone."""
    top, left = max(rows.start - 1, 0), max(columns.start - 1, 0)
    around = image[:, top : rows.stop + 1, left : columns.stop + 1]
    return upsample_bilinear(around, scale)[
        :,
        (rows.start - top) * scale : (rows.stop - top) * scale,
        (columns.start - left) * scale : (columns.stop - left) * scale,
    ]


def _upsample_axis(image: Image, scale: int, *, axis: int) -> Image:
    """One output phase after the other: each is a fixed mix of a pixel and its neighbour.

    Two phases have the same two weights, so that each product is computed once for both.
    """
    size = image.shape[axis]
    result = np.empty((*image.shape[: axis + 1], scale, *image.shape[axis + 1 :]), dtype=image.dtype)
    phases = np.moveaxis(result, (axis + 1, axis), (0, 1))
    pixels = np.moveaxis(image, axis, 0)
    for phase in range((scale + 1) // 2):
        distance = abs((phase + 0.5) / scale - 0.5)
        own, other = pixels * np.float32(1 - distance), pixels * np.float32(distance)
        _add_shifted(own, other, phases[phase])
        if phase != scale - 1 - phase:
            _add_shifted(own[::-1], other[::-1], phases[scale - 1 - phase][::-1])
    return result.reshape(*image.shape[:axis], size * scale, *image.shape[axis + 1 :])


def _add_shifted(own: FloatArray, other: FloatArray, out: FloatArray) -> None:
    """Every pixel plus the one before it along the first axis; before the first one is the first."""
    np.add(own[1:], other[:-1], out=out[1:])
    np.add(own[:1], other[:1], out=out[:1])

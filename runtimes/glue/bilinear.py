"""Bilinear upsampling in numpy, as torch and ONNX Resize do it. Images are float32 (3,h,w), RGB, in [0,255]."""

from __future__ import annotations

import numpy as np

from edgesr.runtimes.arrays import Image


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
    """One output phase after the other: each is a fixed mix of a pixel and its neighbour."""
    size = image.shape[axis]
    before = image.take(np.maximum(np.arange(size) - 1, 0), axis=axis)
    after = image.take(np.minimum(np.arange(size) + 1, size - 1), axis=axis)
    result = np.empty((*image.shape[: axis + 1], scale, *image.shape[axis + 1 :]), dtype=image.dtype)
    phases = np.moveaxis(result, axis + 1, 0)
    for phase in range(scale):
        offset = (phase + 0.5) / scale - 0.5
        np.multiply(image, np.float32(1 - abs(offset)), out=phases[phase])
        phases[phase] += np.float32(abs(offset)) * (before if offset < 0 else after)
    return result.reshape(*image.shape[:axis], size * scale, *image.shape[axis + 1 :])

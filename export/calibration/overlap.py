"""Does an image hold a part of another one, equal in every pixel? Nothing should be calibrated and evaluated on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edgesr.runtimes.arrays import Image, Pixels

Colours = NDArray[np.uint32]

_PATCH_SIDE = 8
# An overlap of 48 pixels a side, a tile, holds at least one whole cell.
_CELL_SIDE = 24
_LEAST_COLOURS = 24
_WHITE = 0xFFFFFF


def distinctive_patches(images: Sequence[Image]) -> list[Colours]:
    """The 8x8 patch with most colours of every 24x24 cell of images (3,h,w) in [0,255]; none where all are plain."""
    patches = []
    for image in images:
        colours = _pack(np.rint(image).clip(0, 255).astype(np.uint8).transpose(1, 2, 0))
        for y in range(0, colours.shape[0], _CELL_SIDE):
            for x in range(0, colours.shape[1], _CELL_SIDE):
                patches += _most_colourful_patch(colours[y : y + _CELL_SIDE, x : x + _CELL_SIDE])
    return patches


def _most_colourful_patch(cell: Colours) -> list[Colours]:
    """One patch, or none that could not be found elsewhere by chance."""
    if min(cell.shape) < _PATCH_SIDE:
        return []
    windows = sliding_window_view(cell, (_PATCH_SIDE, _PATCH_SIDE)).reshape(-1, _PATCH_SIDE**2)
    count = 1 + (np.diff(np.sort(windows, axis=1), axis=1) != 0).sum(axis=1)
    # The search starts at the first pixel: black and white would be found all over a photograph.
    count[(windows[:, 0] == 0) | (windows[:, 0] == _WHITE)] = 0
    best = int(count.argmax())
    return [windows[best].reshape(_PATCH_SIDE, _PATCH_SIDE)] if count[best] >= _LEAST_COLOURS else []


def contains_any(pixels: Pixels, patches: Sequence[Colours]) -> bool:
    """Whether an image (h,w,3) holds one of the patches, equal in every pixel."""
    if not patches:
        return False
    colours = _pack(pixels)
    corners = colours[: 1 - _PATCH_SIDE, : 1 - _PATCH_SIDE]
    firsts = np.array([patch[0, 0] for patch in patches])
    rows, columns = np.nonzero(np.isin(corners, firsts, kind="table"))
    found = corners[rows, columns]
    return any(
        _matches(colours, patch, rows[at], columns[at]) for patch in patches if (at := found == patch[0, 0]).any()
    )


def _matches(colours: Colours, patch: Colours, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> bool:
    """Whether the patch begins at one of the places."""
    for (dy, dx), colour in np.ndenumerate(patch):
        same = colours[rows + dy, columns + dx] == colour
        rows, columns = rows[same], columns[same]
        if not rows.size:
            return False
    return True


def _pack(pixels: Pixels) -> Colours:
    """One number a pixel (h,w) of an RGB image (h,w,3)."""
    packed: Colours = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    return packed

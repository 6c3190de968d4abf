"""Images at the ends of the range, on which a network of lower precision must not fall apart."""

from __future__ import annotations

import numpy as np

from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Size

_CELL = 8


def extreme_tiles(channels: int, size: Size) -> dict[str, FloatArray]:
    """Mid grey, black, white, and a checkerboard of the two: (c,h,w) float32 in [0,255].

    Its cells have 8x8 pixels: a finer one is a texture that networks make up another picture of, and no edge.
    """
    rows, columns = np.indices(size) // _CELL
    board = np.where((rows + columns) % 2 == 0, 0, 255)
    images = {"grey": np.full(size, 128), "black": np.zeros(size), "white": np.full(size, 255), "checkerboard": board}
    return {name: np.repeat(image[None].astype(np.float32), channels, axis=0) for name, image in images.items()}

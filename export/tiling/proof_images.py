"""The images on which tiles are compared with whole pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Size

PHOTOGRAPHS = ("cat", "astronaut", "coffee", "retina", "rocket", "galaxies")
_SIDE = 144
_OTHER_SIZE: Size = (141, 147)
"""Of one photograph: no multiple of a power of two."""
_FAR_FROM_PICTURES = 100 * 255


def is_telling(picture: Image) -> bool:
    """Whether float32 holds differences of 0.01 of 255: no value is far from all that a picture can show."""
    return bool(np.abs(picture).max() <= _FAR_FROM_PICTURES)


def proof_images() -> Iterator[Image]:
    """Photographs, noise, a checkerboard, clipped edges and an image of two halves (3,h,w) in [0,255]."""
    size = (_SIDE, _SIDE)
    yield photograph(PHOTOGRAPHS[0], size)
    yield photograph(PHOTOGRAPHS[1], _OTHER_SIZE)
    for name in PHOTOGRAPHS[2:]:
        yield photograph(name, size)
    yield np.random.default_rng(0).integers(0, 256, (3, *size)).astype(np.float32)
    yield np.broadcast_to((np.indices(size).sum(axis=0) % 2 * 255).astype(np.float32), (3, *size)).copy()
    yield np.where(photograph(PHOTOGRAPHS[0], size) > 128, np.float32(255), np.float32(0))
    yield np.broadcast_to(np.where(np.arange(_SIDE) < _SIDE // 2, np.float32(0), np.float32(255)), (3, *size)).copy()

"""The halo of a network that nobody told us anything of: measured, tiles against the whole picture.

Exact means that no value of a tile's kept part is farther than 0.01 of 255 from that of the whole picture, at every
residue of the origin up to 8, on photographs, noise, a checkerboard and clipped edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.arrays import Image

EXACT = 0.01
_SIDE = 160
_ORIGIN = 48
_RESIDUES = range(8)
_KEPT = (24, 40)
_HALOS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32)
_RESERVE = 1.25
_PHOTOGRAPHS = ("cat", "astronaut", "coffee", "rocket", "galaxies", "retina")

Run = Callable[[Image], Image]


@dataclass(frozen=True)
class Tiling:
    """``halo`` in LR pixels, the least that was exact and a quarter more; None where none up to 32 is.

    ``error``: the largest difference at that halo, or at the largest that was tried.
    """

    halo: int | None
    error: float


def measure_tiling(run: Run, scale: int) -> Tiling:
    """Tile a network (3,h,w) -> (3,s*h,s*w) and compare with its whole pictures."""
    first, *others = ((image, run(image)) for image in _images())
    error = math.inf
    for halo in _HALOS:
        error = _worst(run, first, halo, scale)
        if error > EXACT:
            continue
        error = max([error, *(_worst(run, pair, halo, scale) for pair in others)])
        if error <= EXACT:
            return Tiling(math.ceil(halo * _RESERVE), error)
    return Tiling(None, error)


def _worst(run: Run, pair: tuple[Image, Image], halo: int, scale: int) -> float:
    return max(_error(run, pair, _ORIGIN + r, kept, halo, scale) for r in _RESIDUES for kept in _KEPT[r % 2 :][:1])


def _error(run: Run, pair: tuple[Image, Image], origin: int, kept: int, halo: int, scale: int) -> float:
    """Of one square tile whose kept part starts at ``origin`` in both directions."""
    image, whole = pair
    outer, inner = slice(origin - halo, origin + kept + halo), slice(origin * scale, (origin + kept) * scale)
    tile = run(np.ascontiguousarray(image[:, outer, outer]))
    cut = slice(halo * scale, (halo + kept) * scale)
    return float(np.abs(tile[:, cut, cut] - whole[:, inner, inner]).max())


def _images() -> Iterator[Image]:
    size = (_SIDE, _SIDE)
    for name in _PHOTOGRAPHS:
        yield photograph(name, size)
    yield np.random.default_rng(0).integers(0, 256, (3, *size)).astype(np.float32)
    yield np.broadcast_to((np.indices(size).sum(axis=0) % 2 * 255).astype(np.float32), (3, *size)).copy()
    yield np.where(photograph(_PHOTOGRAPHS[0], size) > 128, np.float32(255), np.float32(0))

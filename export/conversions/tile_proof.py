"""The halo of a network that nobody told us anything of: measured, tiles against the whole picture.

Exact means that no value of a tile's kept part is farther than 0.01 of 255 from that of the whole picture, at every
residue of the origin up to 8, on photographs, noise, a checkerboard and clipped edges.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

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
    """Tile a network (3,h,w) -> (3,s*h,s*w) and compare with its whole pictures.

    The least halo is searched on one photograph, and grows while another image is not exact with it.
    """
    images = _images()
    first = _Compared(run, scale, next(images))
    if first.error(_HALOS[-1]) > EXACT:
        return Tiling(None, first.error(_HALOS[-1]))
    place = bisect_left(_HALOS, True, key=lambda halo: first.error(halo) <= EXACT)
    error = first.error(_HALOS[place])
    for image in images:
        compared = _Compared(run, scale, image)
        while compared.error(_HALOS[place]) > EXACT:
            place += 1
            if place == len(_HALOS):
                return Tiling(None, compared.error(_HALOS[-1]))
        error = max(error, compared.error(_HALOS[place]))
    return Tiling(math.ceil(_HALOS[place] * _RESERVE), error)


@dataclass
class _Compared:
    """One image, its whole picture, and the largest error of its tiles by halo."""

    run: Run
    scale: int
    image: Image
    errors: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.whole = self.run(self.image)

    def error(self, halo: int) -> float:
        """The largest difference of any tile with this halo."""
        if halo not in self.errors:
            self.errors[halo] = max(self._of_tile(_ORIGIN + r, _KEPT[r % 2], halo) for r in _RESIDUES)
        return self.errors[halo]

    def _of_tile(self, origin: int, kept: int, halo: int) -> float:
        """Of one square tile whose kept part starts at ``origin`` in both directions."""
        scale = self.scale
        outer, inner = slice(origin - halo, origin + kept + halo), slice(origin * scale, (origin + kept) * scale)
        tile = self.run(np.ascontiguousarray(self.image[:, outer, outer]))
        cut = slice(halo * scale, (halo + kept) * scale)
        return float(np.abs(tile[:, cut, cut] - self.whole[:, inner, inner]).max())


def _images() -> Iterator[Image]:
    size = (_SIDE, _SIDE)
    for name in _PHOTOGRAPHS:
        yield photograph(name, size)
    yield np.random.default_rng(0).integers(0, 256, (3, *size)).astype(np.float32)
    yield np.broadcast_to((np.indices(size).sum(axis=0) % 2 * 255).astype(np.float32), (3, *size)).copy()
    yield np.where(photograph(_PHOTOGRAPHS[0], size) > 128, np.float32(255), np.float32(0))

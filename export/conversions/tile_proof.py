"""The halo of a network that nobody told us anything of: measured, tiles against the whole picture.

Exact means that no value of a tile's kept part is farther than 0.01 of 255 from that of the whole picture, at every
residue of the origin up to 8 on one photograph, and at two on others, noise, a checkerboard and clipped edges.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator

import numpy as np

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.contract import EXACT, Tiling, Verdict

_SIDE = 144
_ORIGIN = 48
_RESIDUES, _FEW_RESIDUES = tuple(range(8)), (0, 3)
_KEPT = (24, 40)
_HALOS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32)
_RESERVE = 1.25
_PHOTOGRAPHS = ("cat", "astronaut", "coffee", "retina")

Run = Callable[[Image], Image]


def measure_tiling(run: Run, scale: int) -> Tiling:
    """Tile a network (3,h,w) -> (3,s*h,s*w) and compare with its whole pictures.

    The least halo is searched on one photograph at two residues, and grows while another residue or image is not exact.
    """
    images = _images()
    first = _Compared(run, scale, next(images))
    largest = first.error(_HALOS[-1], _RESIDUES)
    if largest > EXACT:
        return _tiling(None, largest)
    place = bisect_left(_HALOS, True, key=lambda halo: first.error(halo, _FEW_RESIDUES) <= EXACT)
    place, worst = _exact_from(place, first, _RESIDUES)
    for image in images:
        if worst <= EXACT:
            place, error = _exact_from(place, _Compared(run, scale, image), _FEW_RESIDUES)
            worst = max(worst, error)
    return _tiling(math.ceil(_HALOS[place] * _RESERVE) if worst <= EXACT else None, worst)


def _tiling(halo: int | None, error: float) -> Tiling:
    verdict: Verdict = "inexact" if halo is None else "measured"
    return Tiling(verdict=verdict, halo=halo, field=None, step=1, error=error, psnr_db=None)


def _exact_from(place: int, compared: _Compared, residues: tuple[int, ...]) -> tuple[int, float]:
    """The first halo from a place in the list on that is exact, or the last one; and its error."""
    while (error := compared.error(_HALOS[place], residues)) > EXACT and place < len(_HALOS) - 1:
        place += 1
    return place, error


class _Compared:
    """One image and its whole picture, with which tiles are compared."""

    def __init__(self, run: Run, scale: int, image: Image) -> None:
        self._run, self._scale, self._image = run, scale, image
        self._whole = run(image)

    def error(self, halo: int, residues: tuple[int, ...]) -> float:
        """The largest difference of any tile with this halo."""
        return max(self._of_tile(_ORIGIN + residue, _KEPT[residue % 2], halo) for residue in residues)

    def _of_tile(self, origin: int, kept: int, halo: int) -> float:
        """Of one square tile whose kept part starts at ``origin`` in both directions."""
        scale = self._scale
        outer, inner = slice(origin - halo, origin + kept + halo), slice(origin * scale, (origin + kept) * scale)
        tile = self._run(np.ascontiguousarray(self._image[:, outer, outer]))
        cut = slice(halo * scale, (halo + kept) * scale)
        return float(np.abs(tile[:, cut, cut] - self._whole[:, inner, inner]).max())


def _images() -> Iterator[Image]:
    size = (_SIDE, _SIDE)
    for name in _PHOTOGRAPHS:
        yield photograph(name, size)
    yield np.random.default_rng(0).integers(0, 256, (3, *size)).astype(np.float32)
    yield np.broadcast_to((np.indices(size).sum(axis=0) % 2 * 255).astype(np.float32), (3, *size)).copy()
    yield np.where(photograph(_PHOTOGRAPHS[0], size) > 128, np.float32(255), np.float32(0))

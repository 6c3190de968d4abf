"""The halo of a network that nobody told us anything of: measured, tiles against the whole picture.

Exact means that no value of a tile's kept part is farther than 0.01 of 255 from that of the whole picture. Tiles begin
at multiples of a step, 1 unless the network has strides or windows: then its tiles are exact at multiples alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from edgesr.export.tiling.proof_images import PHOTOGRAPHS, is_telling, proof_images
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.contract import EXACT, Tiling, next_multiple
from edgesr.runtimes.upscaling.tiles import Span

_ORIGIN = 48
_KEPT = (24, 40)
_RESIDUES, _FEW_RESIDUES = tuple(range(8)), (0, 3)
_LARGEST_HALO = 32
_HALOS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, _LARGEST_HALO)
_RESERVE = 1.25
_SPARSE_ABOVE = 2e5
"""Multiply-accumulates per LR pixel."""
_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)

Run = Callable[[Image], Image]


@dataclass(frozen=True)
class TiledNetwork:
    """``run``: an LR image (c,h,w) float32 in [0,255] -> the picture (c,s*h,s*w) of any size.

    ``field``: a step of its tiles -> the radius of its receptive field in LR pixels, None where it is not known.
    ``of_image``: a whole picture and what runs tiles of that image, where that is not ``run`` for all. ``least_side``
    of an image that it takes. ``sparse``: most images are compared at two origins alone, since the network takes long.
    """

    run: Run
    field: Callable[[int], int | None]
    scale: int
    channels: int
    multiple: int
    least_side: int
    sparse: bool
    of_image: Callable[[Image], tuple[Image, Run]] | None = None


@dataclass(frozen=True)
class _Difference:
    """The difference of the worst of some tiles: the largest of any value, and the mean square."""

    largest: float
    mean_square: float

    @property
    def exact(self) -> bool:
        return self.largest <= EXACT

    @property
    def psnr_db(self) -> float | None:
        return None if self.mean_square == 0 else 10 * math.log10(255**2 / self.mean_square)


def measure_tiling(network: TiledNetwork) -> Tiling:
    """The least step, and the least halo and a quarter more, with which tiles equal whole pictures.

    It never is above the receptive field, with which the verdict is "proven"; so it is too where the receptive field is
    known, larger than the halos that are tried, up to 32 pixels, and enough. A network whose tiles are not exact is
    "inexact", with the figures of the step that came closest, and that halo.
    """
    first, *others = (_Compared(network, image) for image in proof_images())
    images = [first, *(image for image in others if image.telling)]
    step = _least_step(images[0], network.multiple)
    by_comparison, by_field = partial(_by_comparison, network, images, step), partial(_by_field, network, images)
    attempts = (by_comparison, by_field) if step == network.multiple else (by_field, by_comparison)
    found = next((tiling for attempt in attempts if (tiling := attempt()) is not None), None)
    return found or _inexact(network, images)


def _by_comparison(network: TiledNetwork, images: Sequence[_Compared], step: int | None) -> Tiling | None:
    """The tiling with the least halo that is exact, of those up to 32 pixels; None if no step was found."""
    if step is None:
        return None
    halos = _halos(step)
    place, worst = _exact_from(halos, 0, images[0], step, _RESIDUES)
    for image in images[1:]:
        residues = _FEW_RESIDUES if network.sparse else _RESIDUES
        place, difference = _exact_from(halos, place, image, step, residues)
        worst = _worst((worst, difference))
    if not worst.exact:
        return None
    field = network.field(step)
    halo = _with_reserve(halos[place], step, field)
    proven = field is not None and halo >= field
    return Tiling(
        verdict="proven" if proven else "measured",
        halo=halo,
        field=field,
        step=step,
        error=worst.largest,
        psnr_db=worst.psnr_db,
    )


def _by_field(network: TiledNetwork, images: Sequence[_Compared]) -> Tiling | None:
    """The tiling with the receptive field as halo, if that is known; it is compared as well."""
    step = network.multiple
    field = network.field(step)
    if field is None:
        return None
    halo, worst = next_multiple(field, step), _Difference(0.0, 0.0)
    for image in images:
        worst = _worst((worst, image.worst(halo, step, _FEW_RESIDUES)))
        if not worst.exact:
            return None
    return Tiling(verdict="proven", halo=halo, field=field, step=step, error=worst.largest, psnr_db=worst.psnr_db)


def is_sparse(mac_per_hr_pixel: float, scale: int) -> bool:
    """Whether the comparison of all tiles would take minutes."""
    return mac_per_hr_pixel * scale**2 > _SPARSE_ABOVE


def _least_step(compared: _Compared, multiple: int) -> int | None:
    for step in sorted({*_STEPS, multiple}):
        halo = next_multiple(_LARGEST_HALO, step)
        if compared.worst(halo, step, _FEW_RESIDUES).exact and compared.worst(halo, step, _RESIDUES).exact:
            return step
    return None


def _inexact(network: TiledNetwork, images: Sequence[_Compared]) -> Tiling:
    """The figures of photographs with the step that comes closest on one; of all images if photographs are exact."""
    differences = {
        step: images[0].worst(next_multiple(_LARGEST_HALO, step), step, _FEW_RESIDUES)
        for step in {1, 8, network.multiple}
    }
    step = min(differences, key=lambda one: (differences[one].mean_square, one))
    halo, worst = next_multiple(_LARGEST_HALO, step), differences[step]
    for place, image in enumerate(images[1:], start=1):
        if place < len(PHOTOGRAPHS) or worst.exact:
            worst = _worst((worst, image.worst(halo, step, _FEW_RESIDUES)))
    return Tiling(verdict="inexact", halo=None, field=None, step=step, error=worst.largest, psnr_db=worst.psnr_db)


def inexact_halo(step: int) -> int:
    """The halo at which the figures of an inexact network were measured."""
    return next_multiple(_LARGEST_HALO, step)


def _halos(step: int) -> list[int]:
    return sorted({next_multiple(halo, step) for halo in _HALOS})


def _with_reserve(least: int, step: int, field: int | None) -> int:
    halo = math.ceil(least * _RESERVE)
    return next_multiple(halo if field is None else min(halo, max(field, least)), step)


def _exact_from(
    halos: Sequence[int], place: int, compared: _Compared, step: int, residues: tuple[int, ...]
) -> tuple[int, _Difference]:
    """The first halo from a place in the list on that is exact, or the last one; and the difference there."""
    while True:
        difference = compared.worst(halos[place], step, residues)
        if difference.exact or place == len(halos) - 1:
            return place, difference
        place += 1


def _worst(differences: Sequence[_Difference]) -> _Difference:
    return _Difference(max(d.largest for d in differences), max(d.mean_square for d in differences))


class _Compared:
    """One image and its whole picture, with which tiles are compared."""

    def __init__(self, network: TiledNetwork, image: Image) -> None:
        self._network, self._scale, self._image = network, network.scale, image[: network.channels]
        self._kept = tuple(max(kept, network.least_side) for kept in _KEPT)

    @property
    def telling(self) -> bool:
        """Whether float32 holds differences of 0.01 of 255: no value is far from all that a picture can show."""
        return is_telling(self._whole_and_run[0])

    @cached_property
    def _whole_and_run(self) -> tuple[Image, Run]:
        network = self._network
        return (network.run(self._image), network.run) if network.of_image is None else network.of_image(self._image)

    def worst(self, halo: int, step: int, residues: tuple[int, ...]) -> _Difference:
        """The worst of tiles at several multiples of a step and of one at the image's end; it stops at one that is
        not exact.
        """
        sides = self._image.shape[1:]
        places = [
            [_inside(side, self._kept[residue % 2], halo, step, residue) for side in sides] for residue in residues
        ]
        places.append([_at_end(side, self._kept[0], halo, step) for side in sides])
        found = _Difference(0.0, 0.0)
        for rows, columns in places:
            found = _worst((found, self._of_tile(rows, columns)))
            if not found.exact:
                break
        return found

    def _of_tile(self, rows: Span, columns: Span) -> _Difference:
        whole, run = self._whole_and_run
        tile = run(np.ascontiguousarray(self._image[:, rows.start : rows.stop, columns.start : columns.stop]))
        inner, cut = [], []
        for span in (rows, columns):
            inner.append(slice(span.keep_start * self._scale, span.keep_stop * self._scale))
            cut.append(slice(*((side - span.start) * self._scale for side in (span.keep_start, span.keep_stop))))
        difference = tile[:, cut[0], cut[1]] - whole[:, inner[0], inner[1]]
        return _Difference(float(np.abs(difference).max()), float(np.square(difference, dtype=np.float64).mean()))


def _inside(side: int, least_kept: int, halo: int, step: int, residue: int) -> Span:
    """A tile of the middle of an axis, at one of its first eight multiples of a step from there on."""
    kept = next_multiple(least_kept, step)
    places = max((side - kept) // step, 1)
    origin = (_ORIGIN // step + residue) % places * step
    return Span(max(origin - halo, 0), min(origin + kept + halo, side), origin, min(origin + kept, side))


def _at_end(side: int, kept: int, halo: int, step: int) -> Span:
    """A tile that ends with the image."""
    origin = max(side - kept, 0) // step * step
    return Span(max(origin - halo, 0), side, origin, side)

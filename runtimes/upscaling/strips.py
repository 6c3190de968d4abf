"""The LR image as tiles take it: rows from memory, or from a file that is decoded from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.arrays import AnyPixels, FloatArray
from edgesr.runtimes.glue.bicubic import REACH
from edgesr.runtimes.upscaling.self_ensemble import Member
from edgesr.runtimes.upscaling.tiles import Span

Tile = tuple[Span, Span]
"""Its rows and its columns."""


class PixelRows(Protocol):
    """An RGB image (h,w,3) of any of the dtypes, of which rows are asked for; mostly from top to bottom."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def rows(self, first: int, last: int) -> AnyPixels:
        """Rows [first, last)."""


@dataclass(frozen=True, eq=False)
class HeldRows:
    """An image in memory."""

    pixels: AnyPixels

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pixels.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.pixels.dtype

    def rows(self, first: int, last: int) -> AnyPixels:
        return self.pixels[first:last]


def as_rows(image: AnyPixels | PixelRows) -> PixelRows:
    """The rows of an array; an object that gives rows already is returned as it is."""
    return HeldRows(image) if isinstance(image, np.ndarray) else image


@dataclass(frozen=True, eq=False)
class Strip:
    """All columns of the rows of an image from ``top`` on: what a row of tiles and its glue need."""

    top: int
    pixels: AnyPixels

    def part(self, rows: slice, columns: slice) -> NDArray[Any]:
        """A part of the image, cut at the strip's own borders."""
        return self.pixels[max(rows.start - self.top, 0) : rows.stop - self.top, columns]

    def within(self, size: tuple[int, int]) -> Strip:
        """The strip of an image of that size, which has fewer rows or columns."""
        return Strip(self.top, self.pixels[: max(size[0] - self.top, 0), : size[1]])


def strip_around(image: PixelRows, span: Span) -> Strip:
    """The strip that the tiles of a row, and the glue of their kept rows, read."""
    top = max(min(span.start, span.keep_start - REACH), 0)
    return Strip(top, image.rows(top, min(max(span.stop, span.keep_stop + REACH), image.shape[0])))


def read_ahead(
    image: PixelRows, tiles: Sequence[Tile], network_values: Callable[[AnyPixels], FloatArray]
) -> Iterator[tuple[Tile, Strip, FloatArray]]:
    """Every tile, the rows around it, and its network's input; a thread reads it while the one before is worked on."""
    strips: dict[Span, Strip] = {}

    def read(tile: Tile) -> tuple[Tile, Strip, FloatArray]:
        rows, columns = tile
        if rows not in strips:
            strips.clear()
            strips[rows] = strip_around(image, rows)
        part = strips[rows].part(slice(rows.start, rows.stop), slice(columns.start, columns.stop))
        return tile, strips[rows], network_values(part)

    with ThreadPoolExecutor(1) as beside:
        coming = beside.submit(read, tiles[0])
        for following in tiles[1:]:
            found = coming.result()
            coming = beside.submit(read, following)
            yield found
        yield coming.result()


def turned(image: PixelRows, member: Member) -> PixelRows:
    """The image as a member of an ensemble has it: held as a whole, unless it is the image as it is."""
    return image if member == Member() else HeldRows(member.apply(image.rows(0, image.shape[0]), 0))


def extended(image: PixelRows, size: tuple[int, int], least_side: int) -> PixelRows:
    """The image with its last row and column repeated up to the least side, and reflected at its end up to ``size``."""
    if image.shape[:2] == size:
        return image
    least = [(0, max(least_side - had, 0)) for had in image.shape[:2]]
    pixels = np.pad(image.rows(0, image.shape[0]), [*least, (0, 0)], mode="edge")
    missing = [(0, wanted - had) for wanted, had in zip(size, pixels.shape[:2], strict=True)]
    return HeldRows(np.pad(pixels, [*missing, (0, 0)], mode="reflect"))

"""The LR image as tiles take it: rows from memory, or from a file that is decoded from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.arrays import AnyPixels
from edgesr.runtimes.glue.bicubic import REACH
from edgesr.runtimes.upscaling.tiles import Span


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
    """An array, or what gives rows already."""
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
        """The same of an image of that size, which has less rows or columns."""
        return Strip(self.top, self.pixels[: max(size[0] - self.top, 0), : size[1]])


def strip_around(image: PixelRows, span: Span) -> Strip:
    """What the tiles of a row and the glue of their kept rows read."""
    top = max(min(span.start, span.keep_start - REACH), 0)
    return Strip(top, image.rows(top, min(max(span.stop, span.keep_stop + REACH), image.shape[0])))

"""Cut an image into overlapping tiles whose kept parts cover it once. All lengths are in LR pixels.

A tile graph's output is wrong within the halo of a tile's edge, unless that edge is the image's own: so every edge
inside the image is kept a halo away from what is used, and the outermost tiles end exactly at the image's border.
Networks with strides or windows are right in tiles that begin at multiples of a step, of which halos are multiples too.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from edgesr.runtimes.bundle.manifest import Size

_HALOS_TO_HALVE = 8
"""Height of what a row of tiles keeps, in halos, from which two rows in its place cost little."""


@dataclass(frozen=True)
class Span:
    """One axis of a tile: input [start, stop), of which [keep_start, keep_stop) is used."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Grid:
    """Every row span with every column span.

    All have one length along an axis, but for a last one that is longer by less than a step, and for a last row of
    tiles that is cut in two.
    """

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def tile_size(self) -> Size:
        """Height and width of its largest tile."""
        return max(span.length for span in self.rows), max(span.length for span in self.columns)

    @property
    def least_tile_size(self) -> Size:
        """Height and width of its smallest tile."""
        return min(span.length for span in self.rows), min(span.length for span in self.columns)

    @property
    def uniform(self) -> bool:
        """Whether all its tiles have one size."""
        return all(len({span.length for span in spans}) == 1 for spans in (self.rows, self.columns))

    @property
    def tiles(self) -> int:
        return len(self.rows) * len(self.columns)

    @property
    def pixels(self) -> int:
        """LR pixels that run through the network, overlaps included."""
        return sum(span.length for span in self.rows) * sum(span.length for span in self.columns)

    def with_last_row_halved(self, halo: int, step: int) -> Grid:
        """The same with its last row of tiles cut in two, where what that has to keep is many halos high.

        What follows when the last row of tiles is done, such as encoding it, then takes half as long.
        """
        last = self.rows[-1]
        kept = last.keep_stop - last.keep_start
        middle = last.keep_start + kept // 2 // step * step
        if kept < _HALOS_TO_HALVE * halo or middle - halo <= last.start:
            return self
        upper = Span(last.start, middle + halo, last.keep_start, middle)
        return Grid((*self.rows[:-1], upper, Span(middle - halo, last.stop, middle, last.keep_stop)), self.columns)


def grid_of(size: Size, tile_size: Size, halo: int, *, step: int = 1) -> Grid:
    """Cut an image of ``size`` (h,w) into tiles of ``tile_size``, or of the image's own side where that is smaller."""
    rows, columns = (cut(length, tile, halo, step=step) for length, tile in zip(size, tile_size, strict=True))
    return Grid(rows, columns)


def cut(length: int, tile: int, halo: int, *, step: int = 1) -> tuple[Span, ...]:
    """Spans of ``tile`` pixels that cover [0, length) and begin at multiples of ``step``.

    The last one is moved back to end at ``length``, or at the last multiple before it and is longer by the rest.
    ``tile`` and ``halo`` are multiples where the image is longer than a tile.
    """
    even = length // step * step
    if even <= tile:
        return (Span(0, length, 0, length),)
    count = tiles_along(even, tile, halo)
    spans: list[Span] = []
    for place in range(count):
        start = min(place * (tile - 2 * halo), even - tile)
        last = place == count - 1
        keep_start = spans[-1].keep_stop if spans else 0
        stop, keep_stop = (length, length) if last else (start + tile, start + tile - halo)
        spans.append(Span(start, stop, keep_start, keep_stop))
    return tuple(spans)


def tiles_along(length: int, tile: int, halo: int) -> int:
    """The number of tiles that cover an axis; ``tile`` must be more than two halos if it is less than ``length``."""
    return 1 if length <= tile else -(-(length - 2 * halo) // (tile - 2 * halo))


def least_work_grid(
    size: Size, halo: int, max_pixels: int, *, row_pixels: int = 0, step: int = 1, largest: Size | None = None
) -> Grid | None:
    """The grid of tiles of at most ``max_pixels`` that runs the fewest pixels through the network.

    Each row of a tile counts ``row_pixels`` more: what the caller holds for it across the image. No tile has longer
    sides than ``largest``.

    None when no tile of so few pixels has anything inside its halo.
    """
    cells = (max(size[0] // step, 1), max(size[1] // step, 1))
    most = cells if largest is None else tuple(_cells_within(*sides, step) for sides in zip(size, largest, strict=True))
    tile = _least_work_tile(
        cells, halo // step, max_pixels // step**2, row_pixels=-(-row_pixels // step), largest=(most[0], most[1])
    )
    return None if tile is None else grid_of(size, (tile[0] * step, tile[1] * step), halo, step=step)


def _cells_within(length: int, longest: int, step: int) -> int:
    """The number of steps that a tile along an axis may have: the last one is longer by the rest of the axis."""
    return (longest - length % step) // step


def _least_work_tile(size: Size, halo: int, max_pixels: int, *, row_pixels: int, largest: Size) -> Size | None:
    """All lengths in steps."""
    best: tuple[int, int, Size] | None = None
    for height, _ in groupby(_even_side(size[0], row_count, halo) for row_count in range(1, size[0] + 1)):
        longest = min(max_pixels // height - row_pixels, largest[1])
        column_count = _fewest_tiles(size[1], longest, halo) if height <= largest[0] else None
        if column_count is not None:
            width = _even_side(size[1], column_count, halo)
            tiles = tiles_along(size[0], height, halo) * tiles_along(size[1], width, halo)
            found = (tiles * height * width, tiles, (height, width))
            best = found if best is None else min(best, found)
        if height <= 2 * halo + 1:
            break
    return None if best is None else best[2]


def _even_side(length: int, count: int, halo: int) -> int:
    """Least side with which ``count`` tiles cover an axis."""
    return length if count == 1 else -(-(length + 2 * halo * (count - 1)) // count)


def _fewest_tiles(length: int, longest: int, halo: int) -> int | None:
    if longest >= length:
        return 1
    return tiles_along(length, longest, halo) if longest > 2 * halo else None

"""Grids of tiles: what they cover, how far kept pixels are from a tile's inner edges, how much work they are."""

from __future__ import annotations

from itertools import pairwise

import pytest

from edgesr.runtimes.upscaling.tiles import Grid, Span, cut, grid_of, least_work_grid, tiles_along

LENGTHS = (*range(1, 40), 61, 97, 128, 300)
HALOS = (0, 1, 3, 15)


def _tiles(halo: int) -> tuple[int, ...]:
    """Sides of tiles that leave something inside the halo, the least first."""
    least = 2 * halo + 1
    return (least, least + 1, least + 2, least + 7, 2 * least, 64, 97)


@pytest.mark.parametrize("halo", HALOS)
def test_spans_cover_an_axis_once(halo: int) -> None:
    """Each span is as long as the tile, or the axis alone where that is shorter; it lies inside the axis."""
    for length in LENGTHS:
        for tile in _tiles(halo):
            spans = cut(length, tile, halo)
            kept = [place for span in spans for place in range(span.keep_start, span.keep_stop)]
            assert kept == list(range(length)), (length, tile)
            assert {span.stop - span.start for span in spans} == {min(tile, length)}
            assert all(0 <= span.start <= span.keep_start < span.keep_stop <= span.stop <= length for span in spans)
            assert len(spans) == tiles_along(length, tile, halo)


@pytest.mark.parametrize("halo", HALOS)
def test_kept_pixels_are_a_halo_inside(halo: int) -> None:
    """But at the ends of the axis, where the outermost spans start and stop."""
    for length in LENGTHS:
        for tile in _tiles(halo):
            spans = cut(length, tile, halo)
            assert (spans[0].start, spans[-1].stop) == (0, length), (length, tile)
            for span in spans:
                assert span.start == 0 or span.keep_start - span.start >= halo, (length, tile)
                assert span.stop == length or span.stop - span.keep_stop >= halo, (length, tile)


@pytest.mark.parametrize("halo", HALOS)
def test_no_tile_is_superfluous(halo: int) -> None:
    """One fewer of the same length could not cover the axis with its edges a halo away."""
    for length in LENGTHS:
        for tile in _tiles(halo):
            count = len(cut(length, tile, halo))
            assert count == 1 or (count - 1) * (tile - 2 * halo) + 2 * halo < length, (length, tile)


@pytest.mark.parametrize(
    ("size", "tile", "halo", "step"), [((300, 97), 140, 3, 1), ((97, 300), 200, 0, 1), ((301, 64), 120, 8, 8)]
)
def test_a_last_row_in_two_keeps_the_same_pixels(size: tuple[int, int], tile: int, halo: int, step: int) -> None:
    """Each half keeps about as much, a halo inside, and no tile becomes larger."""
    grid = grid_of(size, (tile, tile), halo, step=step)
    halved = grid.with_last_row_halved(halo, step)
    assert (halved.columns, halved.rows[:-2]) == (grid.columns, grid.rows[:-1])
    kept = [place for span in halved.rows for place in range(span.keep_start, span.keep_stop)]
    assert kept == list(range(size[0]))
    upper, lower = halved.rows[-2:]
    assert abs((lower.keep_stop - lower.keep_start) - (upper.keep_stop - upper.keep_start)) <= 2 * step
    assert (upper.stop - upper.keep_stop, lower.keep_start - lower.start) == (halo, halo)
    assert lower.start % step == 0
    assert (grid.rows[-1].start, grid.rows[-1].stop) == (upper.start, lower.stop)
    assert halved.tile_size <= grid.tile_size
    assert halved.least_tile_size[0] == min(upper.length, lower.length)
    assert halved.pixels == grid.pixels + 2 * halo * sum(span.length for span in grid.columns)


def test_a_low_last_row_stays_whole() -> None:
    """Two halves of 7 halos would cost more than they gain."""
    grid = grid_of((35, 40), (64, 64), 5)
    assert grid.with_last_row_halved(5, 1) is grid


def test_spans_by_hand() -> None:
    assert cut(10, 12, 2) == cut(10, 10, 2) == (Span(0, 10, 0, 10),)
    assert cut(11, 10, 2) == (Span(0, 10, 0, 8), Span(1, 11, 8, 11))
    assert cut(16, 10, 2) == (Span(0, 10, 0, 8), Span(6, 16, 8, 16))
    assert cut(17, 10, 2) == (Span(0, 10, 0, 8), Span(6, 16, 8, 14), Span(7, 17, 14, 17))


@pytest.mark.parametrize("step", [2, 3, 8])
def test_spans_at_multiples_of_a_step(step: int) -> None:
    """They begin there and keep what is a halo inside; only the last one is longer, by what is no multiple."""
    for length in LENGTHS:
        for halo in (0, step, 4 * step):
            for tile in (2 * halo + step, 2 * halo + 3 * step, 2 * halo + 10 * step):
                spans = cut(length, tile, halo, step=step)
                assert all(span.start % step == 0 for span in spans), (length, tile)
                kept = [place for span in spans for place in range(span.keep_start, span.keep_stop)]
                assert kept == list(range(length)), (length, tile)
                assert {span.stop - span.start for span in spans[:-1]} <= {tile}
                assert spans[-1].stop - spans[-1].start in (length, tile + length % step)
                for before, after in pairwise(spans):
                    assert after.keep_start - after.start >= halo
                    assert before.stop - before.keep_stop >= halo


@pytest.mark.parametrize("step", [2, 8])
def test_tiles_of_least_work_at_multiples_stay_below_their_pixels(step: int) -> None:
    for most in (2_000, 10_000, 50_000):
        grid = least_work_grid((37 * step, 50 * step), 2 * step, most, step=step)
        assert grid is not None and grid.uniform
        height, width = grid.tile_size
        assert height * width <= most
        assert height % step == width % step == 0
    assert least_work_grid((37 * step, 50 * step), 2 * step, 16 * step**2, step=step) is None


def test_grid_is_rows_by_columns() -> None:
    grid = grid_of((17, 9), (10, 10), 2)
    assert grid == Grid(cut(17, 10, 2), cut(9, 10, 2))
    assert (grid.tile_size, grid.tiles, grid.pixels) == ((10, 9), 3, 270)


@pytest.mark.parametrize("halo", HALOS[1:])
@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 3), (33, 47), (61, 53), (200, 120), (31, 31)])
def test_least_work_keeps_to_the_most_pixels(size: tuple[int, int], halo: int) -> None:
    """And runs no more pixels than any square tile, nor than any other tile, of so few."""
    for most in (1, 30, 100, 900, 961, 1000, 1024, 2000, 5000, 10**6):
        grid = least_work_grid(size, halo, most)
        fitting = [
            (height, width)
            for height in range(1, size[0] + 1)
            for width in range(1, size[1] + 1)
            if height * width <= most
            and (height > 2 * halo or height == size[0])
            and (width > 2 * halo or width == size[1])
        ]
        if grid is None:
            assert not fitting, most
            continue
        height, width = grid.tile_size
        assert height * width <= most
        assert grid == grid_of(size, (height, width), halo)
        squares = [side for side in range(2 * halo + 1, max(size) + 1) if side**2 <= most]
        assert all(grid.pixels <= grid_of(size, (side, side), halo).pixels for side in squares)
        assert grid.pixels <= min(
            tiles_along(size[0], h, halo) * tiles_along(size[1], w, halo) * h * w for h, w in fitting
        )


def test_no_grid_where_nothing_is_inside_the_halo() -> None:
    assert least_work_grid((100, 100), 15, 960) is None
    least = least_work_grid((100, 100), 15, 961)
    assert least is not None and least.tile_size == (31, 31) and least.tiles == 70 * 70
    assert least_work_grid((2, 100), 15, 61) is None
    assert least_work_grid((2, 100), 15, 62) == grid_of((2, 100), (2, 31), 15)
    assert least_work_grid((100, 100), 15, 0) is None
    assert least_work_grid((100, 100), 15, -5) is None


def test_large_image_is_cut_into_few_overlaps() -> None:
    """A 25-megapixel image in tiles of at most 0.1 megapixels: less than a quarter of the work is overlap."""
    grid = least_work_grid((4000, 6250), 15, 100_000)
    assert grid is not None
    assert grid.pixels < 1.25 * 4000 * 6250

"""One image in tiles: residuals, the statistics that the projection takes over the whole image, and SR pieces."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product

import numpy as np

from edgesr.runtimes.adapters.session import ImageSession
from edgesr.runtimes.arrays import FloatArray, Image
from edgesr.runtimes.bundle.manifest import Artifact, Manifest
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.glue.bilinear import upsample_region
from edgesr.runtimes.glue.noise_level import streamed_noise_level
from edgesr.runtimes.glue.projection import projection_factor, square_sum, subtract
from edgesr.runtimes.upscaling.next_to_network import NextToNetwork
from edgesr.runtimes.upscaling.pieces import PIECE_ROWS, Colouring, Piece
from edgesr.runtimes.upscaling.pixels import rgb_values
from edgesr.runtimes.upscaling.plan import UpscalePlan
from edgesr.runtimes.upscaling.self_ensemble import Member
from edgesr.runtimes.upscaling.strips import PixelRows, Strip, Tile, extended, read_ahead, turned
from edgesr.runtimes.upscaling.tiles import Span

_ONCE_FREED_BYTES = 8 << 20
"""glibc maps a block anew, and faults in all of its pages, when it is larger than any that it has seen freed; those of
whole tiles do not count. Without one freed block of this size the pages of pieces cost several times their arithmetic.
"""
Put = Callable[[int, int, Image], None]
"""Top, left and values (3,h,w) of a piece of the output, see `Piece`. A later piece replaces an earlier one."""


class TiledRun:
    """A run in tiles: for every member the noise level, the norm of the residual, pooled means; pieces for factors k.

    The network runs in the thread of the caller. Next to it one thread reads the tile that follows, and one does the
    glue of the tile before, if a core is free for it: no more than two tiles are held.

    ``image`` is RGB (h,w,3), uint8, uint16 or float32 in [0,255]; a larger size of the plan extends it and cuts the
    output. ``session`` opens an artifact; ``report`` takes tiles done and all. ``core_is_free``: see `NextToNetwork`.
    """

    def __init__(
        self,
        plan: UpscalePlan,
        image: PixelRows,
        manifest: Manifest,
        session: Callable[[Artifact], ImageSession],
        report: Callable[[int, int], None],
        *,
        core_is_free: bool = True,
    ) -> None:
        self._plan, self._size = plan, (image.shape[0], image.shape[1])
        self._image = extended(image, plan.size, manifest.minimum_side)
        self._scale = manifest.scale
        self._colouring = Colouring(manifest.colour, manifest.scale)
        self._gives_pictures = manifest.glue.upsample == "none"
        self._alpha = manifest.glue.alpha if plan.artifact.graph == "tile" and manifest.glue.noise_level else None
        self._session, self._report = session, report
        self._core_is_free = core_is_free
        self._square_sums = [0.0] * len(plan.members)
        self._sigmas = [self._noise_level(member) for member in plan.members] if self.projected else []
        self.factors = [0.0 if sigma == 0 else 1.0 for sigma in self._sigmas] or [1.0] * len(plan.members)
        self._means: list[FloatArray | None] = [None] * len(plan.members)
        for _ in range(plan.passes - 1):
            self._means = self._pooled_means()

    @property
    def projected(self) -> bool:
        """Whether the norm of the whole residual has to be known."""
        return self._alpha is not None

    def measured_factors(self) -> list[float]:
        """k of every member, after a measuring pass."""
        assert self._alpha is not None
        count = math.prod(self._image.shape) * self._scale**2
        return [
            0.0 if sigma == 0 else projection_factor(total, count, sigma=sigma, alpha=self._alpha)
            for total, sigma in zip(self._square_sums, self._sigmas, strict=True)
        ]

    def run(self, factors: Sequence[float], put: Put, *, measure: bool, only_rows: Span | None = None) -> None:
        """Hand out SR pieces for these k, one row of tiles after the other; ``measure`` sums up squares too."""
        tiles = list(self._ordered(self._plan.grid.rows if only_rows is None else (only_rows,)))
        if self._plan.artifact.graph == "full":
            for piece in self._whole():
                put(*piece)
            return
        np.empty(_ONCE_FREED_BYTES, dtype=np.uint8)
        with NextToNetwork(core_is_free=self._core_is_free) as following:
            for done, (tile, strip, lr) in enumerate(self._inputs(tiles)):
                self._report(done, len(tiles))
                residuals = self._residuals(tile, lr, factors)
                following.do(partial(self._glue, tile, strip, residuals, factors, put, measure))
                del residuals
        self._report(len(tiles), len(tiles))

    def _ordered(self, rows: Sequence[Span]) -> Iterator[Tile]:
        """Row by row; in each row those of one artifact after those of the other, which is opened once a row."""
        last = self._plan.artifact
        for span in rows:
            tiles = [(span, columns) for columns in self._plan.grid.columns]
            tiles.sort(key=lambda tile, last=last: self._plan.artifact_for(*tile) is not last)  # type: ignore[misc]
            yield from tiles
            last = self._plan.artifact_for(*tiles[-1])

    def _inputs(self, tiles: Sequence[Tile]) -> Iterator[tuple[Tile, Strip, FloatArray]]:
        """Every tile, the rows around it, and its network's input."""
        return read_ahead(self._image, tiles, self._colouring.network_values)

    def _whole(self) -> Iterator[Piece]:
        """The whole image by a full graph."""
        session = self._session(self._plan.artifact)
        self._report(0, 1)
        strip = Strip(0, self._image.rows(0, self._plan.size[0]))
        lr = self._colouring.network_values(strip.pixels)
        pictures = (m.undo(session.infer(np.ascontiguousarray(m.apply(lr, 1))), 1) for m in self._plan.members)
        results = (self._clipped(picture, self._plan.artifact) for picture in pictures)
        yield from self._pieces(strip, 0, 0, self._mean(results))
        self._report(1, 1)

    def _glue(
        self,
        tile: Tile,
        strip: Strip,
        residuals: list[Image | None],
        factors: Sequence[float],
        put: Put,
        measure: bool,
    ) -> None:
        rows, columns = tile
        artifact = self._plan.artifact_for(rows, columns)
        if self._gives_pictures:
            pictures = (self._clipped(picture, artifact) for picture in residuals if picture is not None)
            self._put(put, strip, rows.keep_start, columns.keep_start, self._mean(pictures))
            return
        scale, left = self._scale, columns.keep_start
        for top in range(rows.keep_start, rows.keep_stop, PIECE_ROWS):
            bottom = min(top + PIECE_ROWS, rows.keep_stop)
            upsampled = self._upsampled(strip, slice(top, bottom), slice(left, columns.keep_stop))
            within = slice((top - rows.keep_start) * scale, (bottom - rows.keep_start) * scale)
            cut = [None if residual is None else residual[:, within] for residual in residuals]
            if measure:
                self._add_squares(cut)
            results = self._results(upsampled, cut, factors, artifact)
            self._put(put, strip, top, left, self._mean(results))

    def _results(
        self, upsampled: Image, residuals: Sequence[Image | None], factors: Sequence[float], artifact: Artifact
    ) -> Iterator[Image]:
        """A picture for every member; ``upsampled`` is overwritten where there is one alone."""
        place = upsampled if len(residuals) == 1 else None
        for residual, k in zip(residuals, factors, strict=True):
            if residual is None:
                yield upsampled
            else:
                picture = subtract(upsampled, residual, k, out=place)
                yield self._clipped(picture, artifact, out=picture)

    def _put(self, put: Put, strip: Strip, top: int, left: int, values: Image) -> None:
        for piece in self._pieces(strip, top, left, values):
            put(*piece)

    def _add_squares(self, residuals: Sequence[Image | None]) -> None:
        for place, residual in enumerate(residuals):
            if residual is not None:
                self._square_sums[place] += square_sum(residual)

    def _residuals(self, tile: Tile, lr: FloatArray, factors: Sequence[float]) -> list[Image | None]:
        """The kept part of a tile's residual (c,H,W) for every member; None where k is 0 and it does not matter."""
        rows, columns = tile
        session = self._session(self._plan.artifact_for(rows, columns))
        kept = tuple(
            slice((span.keep_start - span.start) * self._scale, (span.keep_stop - span.start) * self._scale)
            for span in (rows, columns)
        )
        residuals: list[Image | None] = []
        for member, k, means in zip(self._plan.members, factors, self._means, strict=True):
            turned = np.ascontiguousarray(member.apply(lr, 1))
            whole = member.undo(self._residual(session, turned, means), 1) if k else None
            residuals.append(None if whole is None else whole[:, kept[0], kept[1]])
        return residuals

    def _pooled_means(self) -> list[FloatArray | None]:
        """Means of pooled features over the whole image, for every member, from a pass with those of the last one."""
        tiles = list(product(self._plan.grid.rows, self._plan.grid.columns))
        sums = [np.zeros(self._plan.artifact.pooled) for _ in self._plan.members]
        for done, ((rows, columns), _, lr) in enumerate(self._inputs(tiles)):
            self._report(done, len(tiles))
            mask = np.zeros((1, *lr.shape[1:]), dtype=np.float32)
            kept = [slice(span.keep_start - span.start, span.keep_stop - span.start) for span in (rows, columns)]
            mask[:, kept[0], kept[1]] = 1
            session = self._session(self._plan.artifact)
            for place, member in enumerate(self._plan.members):
                tile, counted = (np.ascontiguousarray(member.apply(values, 1)) for values in (lr, mask))
                sums[place] += session.infer_pooled(tile, self._means[place], counted)[1]
        pixels = self._plan.size[0] * self._plan.size[1]
        return [(total / pixels).astype(np.float32) for total in sums]

    def _residual(self, session: ImageSession, tile: FloatArray, means: FloatArray | None) -> FloatArray:
        if means is None:
            return session.infer(tile)
        return session.infer_pooled(tile, means, np.ones((1, *tile.shape[1:]), dtype=np.float32))[0]

    def _pieces(self, strip: Strip, top: int, left: int, values: Image) -> Iterator[Piece]:
        """RGB pieces of a picture at an LR position, without what passes the image's own size."""
        height, width = ((side - start) * self._scale for side, start in zip(self._size, (top, left), strict=True))
        if height > 0 and width > 0:
            yield from self._colouring.coloured(strip.within(self._size), top, left, values[:, :height, :width])

    def _clipped(self, picture: Image, artifact: Artifact, out: Image | None = None) -> Image:
        """A picture in [0,255]; an EdgesrError where a value is not finite, which a clip would hide."""
        if not np.isfinite(picture).all():
            raise EdgesrError(f"{artifact.id} gives values that are not finite; check it with 'edgesr parity'")
        return np.clip(picture, 0, 255, out=out)

    def _mean(self, results: Iterator[Image]) -> Image:
        """Mean over the members, of which one at a time is held."""
        result = next(results)
        for other in results:
            result = result + other
        if len(self._plan.members) > 1:
            result = result / np.float32(len(self._plan.members))
        return result

    def _upsampled(self, strip: Strip, rows: slice, columns: slice) -> Image:
        """Bilinear upsampling (3,H,W) of a part of the LR image."""
        top, left = max(rows.start - 1, 0), max(columns.start - 1, 0)
        around = rgb_values(strip.part(slice(top, rows.stop + 1), slice(left, columns.stop + 1)))
        return upsample_region(
            around,
            self._scale,
            slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left),
        )

    def _noise_level(self, member: Member) -> float:
        image = turned(self._image, member)
        height, width = image.shape[:2]

        def rows(first: int, last: int) -> Image:
            top, bottom = first // self._scale, -(-last // self._scale)
            start = max(top - 1, 0)
            around = rgb_values(image.rows(start, min(bottom + 1, height)))
            band = upsample_region(around, self._scale, slice(top - start, bottom - start), slice(0, width))
            return band[:, first - top * self._scale : last - top * self._scale]

        return streamed_noise_level(rows, (height * self._scale, width * self._scale))

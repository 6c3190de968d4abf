"""Upscale an image of any size with an artifact, exactly as if it ran whole, in the memory of a tile.

A full graph runs the image in one call. A tile graph gives residuals, tile by tile; the noise level and the norm of the
residual, on which the projection depends, are those of the whole image: the noise level is streamed before, the norm is
summed up over the tiles. Only where the projection turns out to be active the tiles run a second time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from edgesr.runtimes.adapters.profiling import read_execution
from edgesr.runtimes.adapters.session import ImageSession, open_session
from edgesr.runtimes.arrays import AnyPixels, Image
from edgesr.runtimes.bundle.contract import channels_of, next_multiple
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, ProgressEvent, notice, silent
from edgesr.runtimes.threads import usable_cores
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.pixels import in_dtype, require_pixels
from edgesr.runtimes.upscaling.plan import UpscalePlan, plan_upscale
from edgesr.runtimes.upscaling.strips import PixelRows, as_rows
from edgesr.runtimes.upscaling.tiled_run import Put, TiledRun


def upscale(image: AnyPixels, bundle: Bundle, options: UpscaleOptions | None = None) -> AnyPixels:
    """Upscale RGB (h,w,3) to (s*h,s*w,3) of the same dtype: uint8, uint16 (0..65535), or float32 in [0,255].

    A grey image (h,w) gives RGB. A network of one channel takes luma, and bicubic interpolation upsamples the colours.
    Raises InputError for other shapes, dtypes or values, or when nothing in the bundle fits.
    """
    return Upscaler(bundle, options or UpscaleOptions()).array(require_pixels(image))


def upscale_rows(image: AnyPixels, bundle: Bundle, options: UpscaleOptions | None = None) -> Iterator[AnyPixels]:
    """Upscale as `upscale` does, and yield bands of rows (n,s*w,3) from top to bottom: the output is never held as a
    whole.

    With a projection every tile runs twice, since the first row already depends on the norm of the whole residual.
    """
    return Upscaler(bundle, options or UpscaleOptions()).rows(require_pixels(image))


class Upscaler:
    """Upscales images with one bundle; one session at a time stays open, also from one image to the next.

    One thread at a time may use it.
    """

    def __init__(self, bundle: Bundle, options: UpscaleOptions, progress: Progress = silent) -> None:
        self._bundle = bundle
        self._options = options
        self._progress = progress
        self._open: tuple[tuple[str, str], ImageSession] | None = None
        self._told = False
        self._told_artifacts: set[str] = set()

    def plan(
        self,
        size: tuple[int, int],
        *,
        row_bytes: int = 0,
        held_bytes: int = 0,
        in_order: bool = False,
        halve_last_row: bool = False,
    ) -> UpscalePlan:
        """The plan for an LR image of that size (h,w), see `plan_upscale`."""
        return plan_upscale(
            self._bundle,
            self._extended(size),
            self._options,
            row_bytes=row_bytes,
            held_bytes=held_bytes,
            in_order=in_order,
            halve_last_row=halve_last_row,
        )

    def takes_size(self, size: tuple[int, int]) -> bool:
        """Whether an LR image of that size (h,w) is taken as it is, without added rows or columns."""
        return self._extended(size) == size

    def _extended(self, size: tuple[int, int]) -> tuple[int, int]:
        least, multiple = self._bundle.manifest.minimum_side, self._bundle.manifest.multiple
        height, width = (next_multiple(max(side, least), multiple) for side in size)
        return height, width

    def session(self, artifact: Artifact, runtime: str) -> ImageSession:
        """An open artifact; the one that was open before is closed."""
        key = (artifact.id, runtime)
        if self._open is None or self._open[0] != key:
            self._open = None
            threads, provider = self._options.threads, self._options.provider
            session = open_session(
                self._bundle, artifact, runtime=runtime, threads=threads, provider=provider, shares_cores=True
            )
            self._open = (key, session)
            if provider is not None:
                self._tell_what_runs(artifact, runtime, provider)
        return self._open[1]

    def _tell_what_runs(self, artifact: Artifact, runtime: str, provider: str) -> None:
        """Once for each artifact, which execution providers run it."""
        if artifact.id in self._told_artifacts:
            return
        self._told_artifacts.add(artifact.id)
        size = artifact.tile_size or self._bundle.manifest.tile_size
        tile = np.full((channels_of(self._bundle.manifest.colour), *size), 128, dtype=np.float32)
        found = read_execution(
            self._bundle, artifact, tile, runtime=runtime, threads=self._options.threads, provider=provider
        )
        if found is not None:
            notice(self._progress, f"{artifact.id}: {found.described}")

    def seconds_per_tile(self, plan: UpscalePlan) -> float:
        """One tile of a plan, timed here after a first call; the network alone, one member of an ensemble."""
        session = self.session(plan.artifact, plan.runtime)
        tile = np.full((channels_of(self._bundle.manifest.colour), *plan.grid.tile_size), 128, dtype=np.float32)
        session.infer(tile)
        started = time.perf_counter()
        session.infer(tile)
        return time.perf_counter() - started

    def run(
        self,
        image: AnyPixels | PixelRows,
        put: Put,
        name: str = "",
        *,
        plan: UpscalePlan | None = None,
        restart: Callable[[], None] = lambda: None,
    ) -> UpscalePlan:
        """Upscale RGB (h,w,3), uint8, uint16 or float32 in [0,255], and hand out all pieces; gives the plan.

        The rows of tiles come from top to bottom. Where the projection turns out to be active, ``restart`` is called,
        and all pieces come again. ``plan``: what `plan` gave for the image's size.
        """
        source = as_rows(image)
        plan = plan or self.plan((source.shape[0], source.shape[1]))
        run = self._tiled_run(source, plan, name)
        run.run(run.factors, put, measure=run.projected)
        if run.projected and (factors := run.measured_factors()) != run.factors:
            restart()
            run.run(factors, put, measure=False)
        return plan

    def array(self, image: AnyPixels) -> AnyPixels:
        """RGB (h,w,3) -> (s*h,s*w,3) of the same dtype."""
        scale = self._bundle.manifest.scale
        result = np.empty((image.shape[0] * scale, image.shape[1] * scale, 3), dtype=image.dtype)

        def put(top: int, left: int, values: Image) -> None:
            result[top : top + values.shape[1], left : left + values.shape[2]] = in_dtype(values, image.dtype)

        self.run(image, put)
        return result

    def rows(self, image: AnyPixels) -> Iterator[AnyPixels]:
        """Bands of rows (n,s*w,3) in the image's dtype, top to bottom."""
        height, width = image.shape[:2]
        row_bytes = width * self._bundle.manifest.scale**2 * 3 * image.dtype.itemsize
        return self._bands(image, self.plan((height, width), row_bytes=row_bytes, in_order=True))

    def _bands(self, image: AnyPixels, plan: UpscalePlan) -> Iterator[AnyPixels]:
        height, width = image.shape[:2]
        scale = self._bundle.manifest.scale
        run = self._tiled_run(as_rows(image), plan, "")
        factors = run.factors
        if run.projected:
            run.run(factors, _nowhere, measure=True)
            factors = run.measured_factors()
        top = 0
        for span in plan.grid.rows:
            bottom = min(span.keep_stop, height) * scale
            band = np.empty((bottom - top, width * scale, 3), dtype=image.dtype)

            def put(row: int, left: int, values: Image, band: AnyPixels = band, top: int = top) -> None:
                band[row - top : row - top + values.shape[1], left : left + values.shape[2]] = in_dtype(
                    values, image.dtype
                )

            run.run(factors, put, measure=False, only_rows=span)
            yield band
            top = bottom

    def _tell_inexact_tiles(self, plan: UpscalePlan) -> None:
        """Once, where an image is cut into tiles that do not give its whole picture."""
        tiling = self._bundle.manifest.tiling
        if not self._told and tiling is not None and not tiling.exact and plan.grid.tiles > 1:
            self._told = True
            notice(self._progress, f"tiles of this network {tiling.text}")

    def _tiled_run(self, image: PixelRows, plan: UpscalePlan, name: str) -> TiledRun:
        self._tell_inexact_tiles(plan)
        started = time.perf_counter()
        megapixels = plan.size[0] * plan.size[1] * self._bundle.manifest.scale**2 / 1e6

        def session(artifact: Artifact) -> ImageSession:
            return self.session(artifact, plan.runtime)

        def report(done: int, total: int) -> None:
            nonlocal started
            note = name
            if done == 0:
                started = time.perf_counter()
            else:
                note = f"{name} {megapixels * done / total / (time.perf_counter() - started):.2g} MP/s"
            self._progress(ProgressEvent("tiles", done, total, note))

        core_is_free = self._options.threads < usable_cores()
        return TiledRun(plan, image, self._bundle.manifest, session, report, core_is_free=core_is_free)


def _nowhere(top: int, left: int, values: Image) -> None:
    """A place for pieces that nobody needs except for their sum of squares."""

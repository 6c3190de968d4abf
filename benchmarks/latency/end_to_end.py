"""A photograph from file to file: decode, tiles, numpy glue, encode; beside a run of a tile's size in one piece.

The glue is what upscaling takes beside the network's calls: layout, upsampling, noise level, projection, rounding.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from edgesr.benchmarks.jobs import Job, JobKind
from edgesr.benchmarks.latency.settings import EndToEndSettings
from edgesr.benchmarks.machine.memory import peak_rss_bytes, rss_bytes
from edgesr.benchmarks.state.record import DeviceState
from edgesr.benchmarks.state.watch import watched
from edgesr.runtimes.adapters.registry import require_usable, runtime_info
from edgesr.runtimes.adapters.session import ImageSession
from edgesr.runtimes.arrays import PicturePixels
from edgesr.runtimes.bundle.manifest import Artifact, Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.glue.colour import rgb_picture
from edgesr.runtimes.images.image_io import read_picture, write_image
from edgesr.runtimes.images.picture_writer import PictureWriter
from edgesr.runtimes.interface.runtime import Session
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import Upscaler


@dataclass(frozen=True, kw_only=True)
class EndToEnd:
    """One artifact on one photograph. Times are of the first run, medians for ``ratio_to_whole`` and ``glue_share``.

    ``tiles_ms`` is all of upscaling, ``network_ms`` of it the calls of the runtime. ``ratio_to_whole``: time per output
    pixel divided by that of a photograph as large as one tile, which runs whole, glue included on both sides;
    ``glue_share`` is glue by all of upscaling. ``peak_above_runtime_mb`` is the highest resident memory, both images
    included, above that of the process with its runtime imported; 1e6 bytes. ``state`` is that of the device meanwhile.
    """

    size: Size
    tile_size: Size
    tiles: int
    decode_ms: float
    tiles_ms: float
    network_ms: float
    encode_ms: float
    glue_share: float
    ratio_to_whole: float
    runtime_mb: float
    peak_above_runtime_mb: float
    estimated_tile_mb: float | None
    state: DeviceState | None = None


def measure_end_to_end(
    bundle: Bundle,
    artifact: Artifact,
    *,
    runtime: str,
    threads: int,
    settings: EndToEndSettings,
    provider: str | None = None,
) -> EndToEnd:
    """Upscale a photograph from PNG to PNG in this process, then time it and a whole run of a tile's size in turn."""
    with watched(threads=threads, cores=settings.cores, pinned=False) as watch:
        watch.begin()
        measured = _measured(bundle, artifact, runtime=runtime, threads=threads, settings=settings, provider=provider)
        _, state = watch.end()
    return replace(measured, state=state)


def _measured(
    bundle: Bundle,
    artifact: Artifact,
    *,
    runtime: str,
    threads: int,
    settings: EndToEndSettings,
    provider: str | None,
) -> EndToEnd:
    info = runtime_info(runtime)
    require_usable(info)
    info.load()
    with _photograph_file(bundle, settings.size) as source:
        before = rss_bytes()
        options = UpscaleOptions(
            artifact_id=artifact.id,
            runtime=runtime,
            threads=threads,
            memory_bytes=settings.memory_bytes,
            provider=provider,
        )
        upscaler = _TimedUpscaler(bundle, options)
        started = time.perf_counter()
        picture = read_picture(source)
        decode_ms = _milliseconds_since(started)
        writer = PictureWriter(source.with_name("output.png"), picture, scale=bundle.manifest.scale)
        plan = upscaler.plan(picture.size)
        tiles_ms, network_ms = upscaler.timed(picture.pixels, writer)
        _require_network(network_ms, settings.size)
        started = time.perf_counter()
        writer.save()
        encode_ms = _milliseconds_since(started)
        peak = peak_rss_bytes() - before
        height, width = plan.grid.tile_size
        whole = np.ascontiguousarray(picture.pixels[:height, :width])
        share, ratio = _compare(upscaler, picture.pixels, whole, writer, settings.repeats)
    return EndToEnd(
        size=settings.size,
        tile_size=plan.grid.tile_size,
        tiles=plan.grid.tiles,
        decode_ms=decode_ms,
        tiles_ms=tiles_ms,
        network_ms=network_ms,
        encode_ms=encode_ms,
        glue_share=share,
        ratio_to_whole=ratio,
        runtime_mb=before / 1e6,
        peak_above_runtime_mb=peak / 1e6,
        estimated_tile_mb=None if plan.memory_bytes is None else plan.memory_bytes / 1e6,
    )


def _require_network(network_ms: float, size: Size) -> None:
    """An EdgesrError for a photograph so flat that its noise level is 0: its residual is not computed."""
    if network_ms == 0:
        raise EdgesrError(
            f"a photograph of {size[0]}x{size[1]} is flat here, no network runs: give a larger --image-size"
        )


def _compare(
    upscaler: _TimedUpscaler, photograph: PicturePixels, whole: PicturePixels, writer: PictureWriter, repeats: int
) -> tuple[float, float]:
    """Share of the glue, and time per pixel of the photograph by that of the whole run."""
    shares, ratios = [], []
    upscaler.timed(whole, writer)
    for _ in range(repeats):
        whole_ms, _ = upscaler.timed(whole, writer)
        tiles_ms, network_ms = upscaler.timed(photograph, writer)
        shares.append(1 - network_ms / tiles_ms)
        ratios.append((tiles_ms / photograph.size) / (whole_ms / whole.size))
    return median(shares), median(ratios)


class _TimedSession:
    """A session that sums up the time of its calls."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.total_ms = 0.0

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        started = time.perf_counter()
        result = self._session.run(image)
        self.total_ms += _milliseconds_since(started)
        return result


class _TimedUpscaler(Upscaler):
    """An upscaler that tells its network's time apart."""

    def __init__(self, bundle: Bundle, options: UpscaleOptions) -> None:
        super().__init__(bundle, options)
        self._timed: dict[int, _TimedSession] = {}

    def session(self, artifact: Artifact, runtime: str) -> ImageSession:
        opened = super().session(artifact, runtime)
        timed = self._timed.setdefault(id(opened.session), _TimedSession(opened.session))
        return replace(opened, session=timed)

    def timed(self, pixels: PicturePixels, writer: PictureWriter) -> tuple[float, float]:
        """Upscale into a writer: milliseconds of all, and of the runtime's calls."""
        before = self._network_ms()
        started = time.perf_counter()
        self.run(pixels, writer.put)
        return _milliseconds_since(started), self._network_ms() - before

    def _network_ms(self) -> float:
        return sum(session.total_ms for session in self._timed.values())


@contextmanager
def _photograph_file(bundle: Bundle, size: Size) -> Iterator[Path]:
    """A PNG of that size: the largest golden photograph, mirrored again and again."""
    golden = max(bundle.manifest.goldens, key=lambda g: (g.size[0] * g.size[1], g.source))
    image = rgb_picture(bundle.tensor(golden.input), bundle.manifest.colour)
    missing = [(0, max(wanted - had, 0)) for wanted, had in zip(size, golden.size, strict=True)]
    photograph = np.pad(image, [(0, 0), *missing], mode="symmetric")[:, : size[0], : size[1]]
    with tempfile.TemporaryDirectory(prefix="edgesr-photograph-") as folder:
        path = Path(folder) / "photograph.png"
        write_image(path, photograph)
        yield path


def _milliseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _end_to_end(job: Job, settings: EndToEndSettings) -> EndToEnd:
    opened = job.opened()
    return measure_end_to_end(
        *opened, runtime=job.runtime, threads=job.threads, settings=settings, provider=job.provider
    )


END_TO_END = JobKind(name="end-to-end", settings=EndToEndSettings, result=EndToEnd, measure=_end_to_end)

"""A photograph from file to file, as `edgesr upscale` does it; next to a run of a tile's size in one piece.

Reading, numpy glue and encoding run while the network does, as far as they can: what the file takes longer than the
calls of the runtime is the time for which the network waits.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesr.benchmarks.jobs import Job, JobKind
from edgesr.benchmarks.latency.settings import EndToEndSettings
from edgesr.benchmarks.machine.memory import peak_rss_bytes, rss_bytes
from edgesr.benchmarks.state.record import DeviceState
from edgesr.benchmarks.state.watch import watched
from edgesr.runtimes.adapters.registry import require_usable, runtime_info
from edgesr.runtimes.adapters.session import ImageSession
from edgesr.runtimes.bundle.manifest import Artifact, Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.glue.colour import rgb_picture
from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.interface.runtime import Session
from edgesr.runtimes.upscaling.files import FileUpscaler
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from edgesr.runtimes.upscaling.outcomes import PlannedImage
from edgesr.runtimes.upscaling.pixels import in_dtype
from edgesr.runtimes.upscaling.upscale import Upscaler


@dataclass(frozen=True, kw_only=True)
class EndToEnd:
    """One artifact on one photograph; times are medians of runs in an open session.

    ``file_ms`` is from file to file, ``network_ms`` of it the calls of the runtime, ``glue_share`` all else divided by
    ``file_ms``. ``ratio_to_whole``: time per output pixel, from pixels to pixels, divided by that of a photograph as
    large as one tile, which runs whole, glue included on both sides. ``peak_above_runtime_mb`` is the highest resident
    memory of the first run above that of the process with its runtime imported; 1e6 bytes. ``estimated_tile_mb`` and
    ``estimated_images_mb`` are what the plan said. ``state`` is that of the device meanwhile.

    Up to version 7 a file was decoded, upscaled and encoded in turn: ``decode_ms``, ``tiles_ms``, ``encode_ms``.
    """

    size: Size
    tile_size: Size
    tiles: int
    network_ms: float
    file_ms: float | None = None
    glue_share: float
    ratio_to_whole: float
    runtime_mb: float
    peak_above_runtime_mb: float
    estimated_tile_mb: float | None
    estimated_images_mb: float | None = None
    state: DeviceState | None = None
    decode_ms: float | None = None
    tiles_ms: float | None = None
    encode_ms: float | None = None

    def __post_init__(self) -> None:
        if (self.file_ms is None) == (None in (self.decode_ms, self.tiles_ms, self.encode_ms)):
            raise InputError("give either the time from file to file, or those of its three parts")

    @property
    def whole_ms(self) -> float:
        """Milliseconds from file to file, in whatever version."""
        parts = (self.file_ms, self.decode_ms, self.tiles_ms, self.encode_ms)
        return sum(part for part in parts if part is not None)


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
        files = FileUpscaler(bundle, options, FileOptions(), upscaler=upscaler)
        target = source.with_name("output.png")
        (planned,) = files.planned(source, target)
        assert isinstance(planned, PlannedImage), planned
        upscaler.timed(lambda: files.file(source, target))
        peak = peak_rss_bytes() - before
        runs = [upscaler.timed(lambda: files.file(source, target)) for _ in range(settings.repeats)]
        file_ms, network_ms = (median(times) for times in zip(*runs, strict=True))
        _require_network(network_ms, settings.size)
        ratio = _ratio_to_whole(upscaler, read_picture(source), planned.plan.grid.tile_size, settings.repeats)
    return EndToEnd(
        size=settings.size,
        tile_size=planned.plan.grid.tile_size,
        tiles=planned.plan.grid.tiles,
        network_ms=network_ms,
        file_ms=file_ms,
        glue_share=median(1 - network / whole for whole, network in runs),
        ratio_to_whole=ratio,
        runtime_mb=before / 1e6,
        peak_above_runtime_mb=peak / 1e6,
        estimated_tile_mb=None if planned.memory_bytes is None else planned.memory_bytes / 1e6,
        estimated_images_mb=planned.image_bytes / 1e6,
    )


def _require_network(network_ms: float, size: Size) -> None:
    """Raise an EdgesrError for a photograph so flat that its noise level is 0: its residual is not computed."""
    if network_ms == 0:
        raise EdgesrError(
            f"the photograph of {size[0]}x{size[1]} is one flat area, where no network runs; give a larger --image-size"
        )


def _ratio_to_whole(upscaler: _TimedUpscaler, picture: Picture, tile_size: Size, repeats: int) -> float:
    """Time per pixel of the photograph divided by that of a part of a tile's size, from pixels to pixels, in turn."""
    whole = np.ascontiguousarray(picture.pixels[: tile_size[0], : tile_size[1]])
    upscaler.array(whole)
    ratios = []
    for _ in range(repeats):
        whole_ms, _ = upscaler.timed(lambda: upscaler.array(whole))
        tiles_ms, _ = upscaler.timed(lambda: upscaler.array(picture.pixels))
        ratios.append((tiles_ms / picture.pixels.size) / (whole_ms / whole.size))
    return median(ratios)


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

    def timed(self, work: Callable[[], object]) -> tuple[float, float]:
        """Milliseconds of what upscales with it, and of the runtime's calls."""
        before = self._network_ms()
        started = time.perf_counter()
        work()
        return _milliseconds_since(started), self._network_ms() - before

    def _network_ms(self) -> float:
        return sum(session.total_ms for session in self._timed.values())


@contextmanager
def _photograph_file(bundle: Bundle, size: Size) -> Iterator[Path]:
    """A PNG of that size: the largest golden photograph, mirrored again and again."""
    golden = max(bundle.manifest.goldens, key=lambda g: (g.size[0] * g.size[1], g.source))
    image = in_dtype(rgb_picture(bundle.tensor(golden.input), bundle.manifest.colour), np.uint8)
    missing = [(0, max(wanted - had, 0)) for wanted, had in zip(size, golden.size, strict=True)]
    photograph = np.pad(image, [*missing, (0, 0)], mode="symmetric")[: size[0], : size[1]]
    with tempfile.TemporaryDirectory(prefix="edgesr-photograph-") as folder:
        path = Path(folder) / "photograph.png"
        Image.fromarray(np.ascontiguousarray(photograph)).save(path)
        yield path


def _milliseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _end_to_end(job: Job, settings: EndToEndSettings) -> EndToEnd:
    opened = job.opened()
    return measure_end_to_end(
        *opened, runtime=job.runtime, threads=job.threads, settings=settings, provider=job.provider
    )


END_TO_END = JobKind(name="end-to-end", settings=EndToEndSettings, result=EndToEnd, measure=_end_to_end)

"""How long one call of an artifact takes: load, first call, warm-up until steady, then timed calls one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.jobs import LatencySettings
from benchmarks.memory import peak_rss_bytes
from runtimes.bundle import Bundle
from runtimes.manifest import Artifact, Golden
from runtimes.session import open_session

_STEADY_WINDOW = 3
_STEADY_RATIO = 1.05


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Times of one artifact on one runtime in a fresh process, or in one for each round, in milliseconds.

    ``load_ms`` is importing the runtime and opening the file; ``samples_ms`` are the bare calls, in order;
    ``size`` is the LR input (height, width); ``ms_per_gmac`` divides the median by the convolutions' 1e9 MAC;
    ``peak_rss_mb`` is the process's highest resident memory, runtime included. ``steady`` tells whether warm-up ended
    because three calls in a row agreed with the three before. ``rounds_p50_ms`` is the median of each round; how the
    other fields join several rounds: `join_rounds`.
    """

    size: tuple[int, int]
    load_ms: float
    first_call_ms: float
    warmup_calls: int
    steady: bool
    samples_ms: tuple[float, ...]
    rounds_p50_ms: tuple[float, ...]
    p50_ms: float
    p90_ms: float
    p99_ms: float
    ms_per_gmac: float
    peak_rss_mb: float


def measure_latency(
    bundle: Bundle, artifact: Artifact, *, runtime: str, threads: int, settings: LatencySettings
) -> Latency:
    """Time an artifact on a golden photograph, in the layout of its file: nothing but the runtime is measured."""
    golden = _photograph(bundle, artifact)
    image = bundle.tensor(golden.input)
    started = time.perf_counter()
    session = open_session(bundle, artifact, runtime=runtime, threads=threads)
    load_ms = _milliseconds_since(started)
    batch = session.prepare(image)

    def call() -> float:
        start = time.perf_counter()
        session.session.run(batch)
        return _milliseconds_since(start)

    first_call_ms = call()
    warmup, steady = _warm_up(call, settings)
    samples = _sample(call, settings)
    p50, p90, p99 = (float(p) for p in np.percentile(samples, [50, 90, 99]))
    gmac = artifact.mac_per_hr_pixel * golden.size[0] * golden.size[1] * bundle.manifest.scale**2 / 1e9
    return Latency(
        size=golden.size,
        load_ms=load_ms,
        first_call_ms=first_call_ms,
        warmup_calls=warmup,
        steady=steady,
        samples_ms=tuple(samples),
        rounds_p50_ms=(p50,),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        ms_per_gmac=p50 / gmac,
        peak_rss_mb=peak_rss_bytes() / 1e6,
    )


def join_rounds(rounds: Sequence[Latency]) -> Latency:
    """One result of the same artifact's rounds: percentiles over all samples, medians of load and first call.

    Warm-up calls add up, steady means every round was, and the peak of memory is the highest.
    """
    first = rounds[0]
    samples = tuple(sample for one in rounds for sample in one.samples_ms)
    p50, p90, p99 = (float(p) for p in np.percentile(samples, [50, 90, 99]))
    return Latency(
        size=first.size,
        load_ms=median(one.load_ms for one in rounds),
        first_call_ms=median(one.first_call_ms for one in rounds),
        warmup_calls=sum(one.warmup_calls for one in rounds),
        steady=all(one.steady for one in rounds),
        samples_ms=samples,
        rounds_p50_ms=tuple(one.p50_ms for one in rounds),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        ms_per_gmac=first.ms_per_gmac * p50 / first.p50_ms,
        peak_rss_mb=max(one.peak_rss_mb for one in rounds),
    )


def _photograph(bundle: Bundle, artifact: Artifact) -> Golden:
    """The first golden of the artifact's fixed size, or of the bundle's tile size."""
    size = artifact.tile_size or bundle.manifest.tile_size
    return next(g for g in bundle.manifest.goldens if g.size == size)


def _warm_up(call: Callable[[], float], settings: LatencySettings) -> tuple[int, bool]:
    """Call until the medians of the last two windows agree to 5%, or the time is up."""
    times: list[float] = []
    while True:
        times.append(call())
        if len(times) >= 2 * _STEADY_WINDOW:
            before = float(np.median(times[-2 * _STEADY_WINDOW : -_STEADY_WINDOW]))
            now = float(np.median(times[-_STEADY_WINDOW:]))
            if max(before, now) <= _STEADY_RATIO * min(before, now):
                return len(times), True
        if sum(times) >= settings.warmup_seconds * 1000:
            return len(times), False


def _sample(call: Callable[[], float], settings: LatencySettings) -> list[float]:
    samples: list[float] = []
    while len(samples) < settings.calls or sum(samples) < settings.seconds * 1000:
        samples.append(call())
    return samples


def _milliseconds_since(start: float) -> float:
    return (time.perf_counter() - start) * 1000

"""The latency of one call of an artifact: load, first call, warm-up until steady, then timed calls one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Literal

import numpy as np

from edgesr.benchmarks.jobs import Job, JobKind
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.latency.statistics import Interval, percentiles, repeat_intervals
from edgesr.benchmarks.machine.environment import core_mhz
from edgesr.benchmarks.machine.memory import peak_rss_bytes
from edgesr.benchmarks.state.record import DeviceState, joined
from edgesr.benchmarks.state.watch import watched
from edgesr.runtimes.adapters.profiling import read_execution
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.bundle.manifest import Artifact, Golden, Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.interface.distant import DistantSession
from edgesr.runtimes.interface.operator_profile import Execution
from edgesr.runtimes.interface.runtime import timed_call_ms
from edgesr.runtimes.json_records import DecodeError

_STEADY_WINDOW = 3
_STEADY_RATIO = 1.05


@dataclass(frozen=True, kw_only=True)
class Round:
    """Times of one artifact on one runtime in one fresh process, in milliseconds.

    ``load_ms`` is importing the runtime and opening the file; ``samples_ms`` are the bare calls, in order;
    ``size`` is the LR input (height, width); ``gmac`` the convolutions' 1e9 multiply-accumulates of one call;
    ``peak_rss_mb`` is the process's highest resident memory, runtime included, 1e6 bytes. ``steady`` tells whether
    warm-up ended because three calls in a row agreed with the three before. ``pinned_cores`` are those that the process
    kept to, empty when it was free; ``core_mhz`` is the fastest core's clock after the last call, None where the system
    does not tell. ``execution`` is what runs the file's operators, in one call apart, None where that is not told.
    ``state`` is that of the device during the timed calls. Where the model ran in another process, such as a
    browser's page, that one told its times and its memory, and ``state`` tells nothing of this one.
    """

    size: Size
    gmac: float
    load_ms: float
    first_call_ms: float
    warmup_calls: int
    steady: bool
    samples_ms: tuple[float, ...]
    peak_rss_mb: float
    pinned_cores: tuple[int, ...]
    core_mhz: float | None
    execution: Execution | None = None
    state: DeviceState | None = None


@dataclass(frozen=True, kw_only=True)
class Latency:
    """The rounds of one artifact on one runtime, in milliseconds.

    ``samples_ms`` has one tuple a round, ``rounds_p50_ms`` the median of each; percentiles are over all samples, and
    every round counts alike in them. A repeat of the whole measurement falls in an interval (low, high) in 95 of 100
    cases; with ``interval_of`` "process" there was one round, and the interval is of that process alone. ``load_ms``
    and ``first_call_ms`` are medians over rounds; ``warmup_calls`` is their sum, ``steady`` whether all were,
    ``peak_rss_mb`` the highest. ``ms_per_gmac`` divides p50 by the convolutions' 1e9 MAC. ``rounds_mhz`` has each
    round's core clock, and is empty where unknown. ``execution`` is that of the first round, ``state`` the device's
    during the timed calls of all; None in files of earlier versions.
    """

    size: Size
    load_ms: float
    first_call_ms: float
    warmup_calls: int
    steady: bool
    samples_ms: tuple[tuple[float, ...], ...]
    rounds_p50_ms: tuple[float, ...]
    p50_ms: float
    p50_interval_ms: Interval
    p90_ms: float
    p90_interval_ms: Interval
    p99_ms: float
    p99_interval_ms: Interval
    interval_of: Literal["bench", "process"]
    ms_per_gmac: float
    peak_rss_mb: float
    pinned_cores: tuple[int, ...]
    rounds_mhz: tuple[float, ...]
    execution: Execution | None = None
    state: DeviceState | None = None


def measure_latency(
    bundle: Bundle,
    artifact: Artifact,
    *,
    runtime: str,
    threads: int,
    settings: LatencySettings,
    provider: str | None = None,
) -> Round:
    """Time an artifact on a golden photograph, in the layout of its file: nothing but the runtime is measured."""
    golden = photograph_golden(bundle, artifact)
    image = bundle.tensor(golden.input)
    with watched(threads=threads, cores=settings.cores, pinned=settings.pin) as watch:
        started = time.perf_counter()
        session = open_session(bundle, artifact, runtime=runtime, threads=threads, provider=provider)
        load_ms = _milliseconds_since(started)
        batch = session.prepare(image)

        def call() -> float:
            return timed_call_ms(session.session, batch)

        first_call_ms = call()
        warmup, steady = _warm_up(call, settings)
        watch.begin()
        samples = _sample(call, settings)
        _, state = watch.end()
    distant = session.session if isinstance(session.session, DistantSession) else None
    measured = Round(
        size=golden.size,
        gmac=artifact.mac_per_hr_pixel * golden.size[0] * golden.size[1] * bundle.manifest.scale**2 / 1e9,
        load_ms=load_ms if distant is None else distant.load_ms,
        first_call_ms=first_call_ms,
        warmup_calls=warmup,
        steady=steady,
        samples_ms=tuple(samples),
        peak_rss_mb=(peak_rss_bytes() if distant is None else distant.peak_rss_bytes()) / 1e6,
        pinned_cores=watch.pinned,
        core_mhz=core_mhz(),
        state=state if distant is None else replace(state, ran_on=None, own_share=None, waiting_share=None),
    )
    ran = read_execution(bundle, artifact, image, runtime=runtime, threads=threads, provider=provider)
    return replace(measured, execution=ran)


def _check(measured: Round) -> None:
    if not measured.samples_ms or min(measured.samples_ms) <= 0 or measured.gmac <= 0:
        raise DecodeError("a round has no samples, or something took no time")


def join_rounds(rounds: Sequence[Round]) -> Latency:
    """One result of the same artifact's rounds."""
    samples = tuple(one.samples_ms for one in rounds)
    found = _percentile_fields(samples)
    return Latency(
        size=rounds[0].size,
        load_ms=median(one.load_ms for one in rounds),
        first_call_ms=median(one.first_call_ms for one in rounds),
        warmup_calls=sum(one.warmup_calls for one in rounds),
        steady=all(one.steady for one in rounds),
        samples_ms=samples,
        rounds_p50_ms=tuple(float(np.median(one)) for one in samples),
        **found,
        interval_of="bench" if len(rounds) > 1 else "process",
        ms_per_gmac=found["p50_ms"] / rounds[0].gmac,
        peak_rss_mb=max(one.peak_rss_mb for one in rounds),
        pinned_cores=rounds[0].pinned_cores,
        rounds_mhz=tuple(one.core_mhz for one in rounds if one.core_mhz is not None),
        execution=rounds[0].execution,
        state=joined(states) if (states := [one.state for one in rounds if one.state is not None]) else None,
    )


def counted_anew(latency: Latency) -> Latency:
    """The same samples with percentiles as they are now: edgesr 0.1.0 gave rounds with more samples more weight."""
    found = _percentile_fields(latency.samples_ms)
    gmac = latency.p50_ms / latency.ms_per_gmac
    return replace(latency, **found, ms_per_gmac=found["p50_ms"] / gmac)


def _percentile_fields(samples: Sequence[Sequence[float]]) -> dict[str, Any]:
    p50, p90, p99 = percentiles(samples)
    p50_interval, p90_interval, p99_interval = repeat_intervals(samples)
    return {
        "p50_ms": p50,
        "p50_interval_ms": p50_interval,
        "p90_ms": p90,
        "p90_interval_ms": p90_interval,
        "p99_ms": p99,
        "p99_interval_ms": p99_interval,
    }


def photograph_golden(bundle: Bundle, artifact: Artifact) -> Golden:
    """The first golden of the artifact's fixed size, or of the bundle's tile size."""
    size = artifact.tile_size or bundle.manifest.tile_size
    found = next((g for g in bundle.manifest.goldens if g.size == size), None)
    if found is None:
        raise InputError(f"{artifact.id}: no golden is of {size[0]}x{size[1]}; export the bundle again")
    return found


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


def _latency(job: Job, settings: LatencySettings) -> Round:
    opened = job.opened()
    return measure_latency(*opened, runtime=job.runtime, threads=job.threads, settings=settings, provider=job.provider)


LATENCY = JobKind(name="latency", settings=LatencySettings, result=Round, measure=_latency, check=_check)

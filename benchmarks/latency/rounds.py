"""Time several artifacts in turn, round after round: a drift of the machine hits all of them alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Generic, TypeVar

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.jobs import Job, JobKind, JobStatus, Outcome
from edgesr.benchmarks.latency.call import LATENCY, Latency, Round, join_rounds
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.machine.limits import LIMITS, LimitsSettings, MachineLimits, highest
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, ProgressEvent, silent

S = TypeVar("S")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """A job over all rounds; where one of them failed, its ``status`` and ``reason``, and no ``latency``."""

    job: Job
    status: JobStatus
    reason: str | None
    latency: Latency | None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Everything that ran at least once; ``complete`` is False after Ctrl-C.

    ``limits`` are the highest of all rounds for every thread count, without those that could not be measured.
    """

    timings: tuple[Timing, ...]
    limits: tuple[MachineLimits, ...]
    complete: bool


@dataclass(kw_only=True)
class _Repeated(Generic[S, R]):
    """A job of a round, how it ended last, and the results of the rounds so far."""

    kind: JobKind[S, R]
    job: Job
    last: Outcome | None = None
    results: list[R] = field(default_factory=list)

    def run(self, device: Device) -> None:
        """One round more, unless one failed."""
        if self.last is not None and self.last.status != "done":
            return
        self.last, result = self.kind.answer(device.run(self.job))
        if result is not None:
            self.results.append(result)


def measure_rounds(
    device: Device,
    bundle: Bundle,
    *,
    artifacts: Sequence[tuple[Artifact, str]],
    threads: Sequence[int],
    settings: LatencySettings,
    rounds: int,
    provider: str | None = None,
    progress: Progress = silent,
) -> Measured:
    """Measure in rounds: for every thread count the machine's limits, then all artifacts, each on its runtime; then all
    of it again, and so on. Each job has a fresh process; one that failed is not run again.

    Ctrl-C ends it with the latencies so far, and goes on where there are none.
    """
    limits = [
        _Repeated(kind=LIMITS, job=LIMITS.job(LimitsSettings(pin=settings.pin, cores=settings.cores), threads=count))
        for count in threads
    ]
    latencies = [
        _Repeated(
            kind=LATENCY,
            job=LATENCY.job(
                settings, bundle=bundle, artifact=artifact.id, runtime=runtime, threads=count, provider=provider
            ),
        )
        for count in threads
        for artifact, runtime in artifacts
    ]
    jobs: list[_Repeated[Any, Any]] = [*limits, *latencies]
    complete = True
    try:
        for done in range(rounds * len(jobs)):
            one = jobs[done % len(jobs)]
            progress(ProgressEvent("bench", done, rounds * len(jobs), one.job.title))
            one.run(device)
        progress(ProgressEvent("bench", rounds * len(jobs), rounds * len(jobs)))
    except KeyboardInterrupt:
        if all(one.last is None for one in latencies):
            raise
        complete = False
    return Measured(
        timings=tuple(_joined(one.job, one.last, one.results) for one in latencies if one.last is not None),
        limits=tuple(highest(one.results) for one in limits if one.results),
        complete=complete,
    )


def _joined(job: Job, last: Outcome, rounds: Sequence[Round]) -> Timing:
    latency = join_rounds(rounds) if last.status == "done" else None
    return Timing(job=job, status=last.status, reason=last.reason, latency=latency)


def ratio_to_fp32(timing: Timing, timings: Sequence[Timing], bundle: Bundle) -> float | None:
    """Median over rounds of p50 by the float32 artifact's p50 in the same round; None unless both were measured.

    The float32 artifact is the one of the same format, graph and tile size, on the same runtime and threads.
    """
    artifact = bundle.artifact(timing.job.artifact)
    for other in timings:
        base = bundle.artifact(other.job.artifact)
        same_run = (timing.job.runtime, timing.job.threads) == (other.job.runtime, other.job.threads)
        if base.is_reference and same_run and base.shape_key == artifact.shape_key:
            return _median_ratio(timing.latency, other.latency)
    return None


def _median_ratio(latency: Latency | None, base: Latency | None) -> float | None:
    """After Ctrl-C one of them may have a round more, which does not count."""
    if latency is None or base is None:
        return None
    return median(a / b for a, b in zip(latency.rounds_p50_ms, base.rounds_p50_ms, strict=False))

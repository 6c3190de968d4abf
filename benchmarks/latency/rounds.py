"""Time several artifacts in turn, round after round: a drift of the machine hits all of them alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.jobs import Job, JobStatus, LatencySettings, Outcome, decode_result
from edgesr.benchmarks.latency.call import Latency, Round, join_rounds
from edgesr.benchmarks.machine.limits import MachineLimits, highest
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, ProgressEvent, silent


@dataclass(frozen=True, kw_only=True)
class Timing:
    """A job over all rounds; where one of them failed, its ``status`` and ``reason``, and no ``latency``."""

    job: Job
    status: JobStatus
    reason: str | None
    latency: Latency | None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The outcomes of every job, one a round until one failed; ``complete`` is False after Ctrl-C."""

    outcomes: tuple[tuple[Outcome, ...], ...]
    complete: bool


def latency_jobs(
    bundle: Bundle, artifacts: Sequence[tuple[Artifact, str]], threads: Sequence[int], settings: LatencySettings
) -> list[Job]:
    """For every thread count the machine's limits, then all artifacts, each on its runtime."""
    limits = Job(kind="limits", bundle="", artifact="", runtime="", threads=1, latency=settings)
    latency = replace(limits, kind="latency", bundle=str(bundle.root))
    return [replace(limits, threads=count) for count in threads] + [
        replace(latency, artifact=artifact.id, runtime=runtime, threads=count)
        for count in threads
        for artifact, runtime in artifacts
    ]


def measure_rounds(device: Device, jobs: Sequence[Job], *, rounds: int, progress: Progress = silent) -> Measured:
    """Run jobs A, B, C, then A, B, C again and so on, each in a fresh process; a job that failed is not run again.

    Ctrl-C ends it with the latencies so far, and goes on where there are none.
    """
    outcomes: list[list[Outcome]] = [[] for _ in jobs]
    total = rounds * len(jobs)
    try:
        for done in range(total):
            job, so_far = jobs[done % len(jobs)], outcomes[done % len(jobs)]
            progress(ProgressEvent("bench", done, total, job.title))
            if not so_far or so_far[-1].status == "done":
                so_far.append(_checked(job, device.run(job)))
    except KeyboardInterrupt:
        if not any(found for job, found in zip(jobs, outcomes, strict=True) if job.kind == "latency"):
            raise
        return Measured(outcomes=tuple(map(tuple, outcomes)), complete=False)
    progress(ProgressEvent("bench", total, total))
    return Measured(outcomes=tuple(map(tuple, outcomes)), complete=True)


def join_timings(jobs: Sequence[Job], measured: Measured) -> list[Timing]:
    """The latency jobs that ran at least once, their rounds joined."""
    timings = []
    for job, outcomes in zip(jobs, measured.outcomes, strict=True):
        if job.kind != "latency" or not outcomes:
            continue
        last = outcomes[-1]
        rounds = [found for outcome in outcomes if (found := decode_result(Round, outcome)[1]) is not None]
        latency = join_rounds(rounds) if last.status == "done" else None
        timings.append(Timing(job=job, status=last.status, reason=last.reason, latency=latency))
    return timings


def join_limits(jobs: Sequence[Job], measured: Measured) -> tuple[MachineLimits, ...]:
    """The highest limits of all rounds for every thread count; what could not be measured is left out."""
    limits = []
    for job, outcomes in zip(jobs, measured.outcomes, strict=True):
        decoded = [decode_result(MachineLimits, o)[1] for o in outcomes if job.kind == "limits"]
        found = [one for one in decoded if one is not None]
        limits += [highest(found)] if found else []
    return tuple(limits)


def ratio_to_fp32(timing: Timing, timings: Sequence[Timing], bundle: Bundle) -> float | None:
    """Median over rounds of p50 by the float32 artifact's p50 in the same round; None unless both were measured.

    The float32 artifact is the one of the same format, graph and tile size, on the same runtime and threads.
    """
    artifact = bundle.artifact(timing.job.artifact)
    for other in timings:
        base = bundle.artifact(other.job.artifact)
        same_run = (timing.job.runtime, timing.job.threads) == (other.job.runtime, other.job.threads)
        if base.precision == "fp32" and same_run and base.shape_key == artifact.shape_key:
            return _median_ratio(timing.latency, other.latency)
    return None


def _checked(job: Job, outcome: Outcome) -> Outcome:
    """The outcome, "crashed" where its result is none of the job's kind."""
    return decode_result(MachineLimits if job.kind == "limits" else Round, outcome)[0]


def _median_ratio(latency: Latency | None, base: Latency | None) -> float | None:
    """After Ctrl-C one of them may have a round more, which does not count."""
    if latency is None or base is None:
        return None
    return median(a / b for a, b in zip(latency.rounds_p50_ms, base.rounds_p50_ms, strict=False))

"""Time several artifacts in turn, round after round: a drift of the machine hits all of them alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.device import Device
from benchmarks.jobs import Job, JobStatus
from benchmarks.latency import Latency, join_rounds
from runtimes.bundle import Bundle
from runtimes.decoding import decode
from runtimes.manifest import Artifact
from runtimes.progress import Progress, ProgressEvent, silent


@dataclass(frozen=True, kw_only=True)
class Timing:
    """A job over all rounds; where one of them failed, its ``status`` and ``reason``, and no ``latency``."""

    job: Job
    status: JobStatus
    reason: str | None
    latency: Latency | None


def measure_rounds(device: Device, jobs: Sequence[Job], *, rounds: int, progress: Progress = silent) -> list[Timing]:
    """Run jobs A, B, C, then A, B, C again and so on, each in a fresh process; a job that failed is not run again."""
    measured: list[list[Latency]] = [[] for _ in jobs]
    failed: dict[int, Timing] = {}
    total = rounds * len(jobs)
    for done in range(total):
        index = done % len(jobs)
        job = jobs[index]
        progress(ProgressEvent("bench", done, total, f"{job.artifact}, {job.threads} thread(s)"))
        if index in failed:
            continue
        outcome = device.run(job)
        if outcome.result is None:
            failed[index] = Timing(job=job, status=outcome.status, reason=outcome.reason, latency=None)
        else:
            measured[index].append(decode(Latency, outcome.result))
    progress(ProgressEvent("bench", total, total))
    return [
        failed.get(i) or Timing(job=job, status="done", reason=None, latency=join_rounds(measured[i]))
        for i, job in enumerate(jobs)
    ]


def ratio_to_fp32(timing: Timing, timings: Sequence[Timing], bundle: Bundle) -> float | None:
    """Median over rounds of p50 by the float32 artifact's p50 in the same round; None unless both were measured.

    The float32 artifact is the one of the same format, graph and tile size, on the same runtime and threads.
    """
    artifact = bundle.artifact(timing.job.artifact)
    for other in timings:
        base = bundle.artifact(other.job.artifact)
        same_run = (timing.job.runtime, timing.job.threads) == (other.job.runtime, other.job.threads)
        if base.precision == "fp32" and same_run and _shape(base) == _shape(artifact):
            return _median_ratio(timing.latency, other.latency)
    return None


def _shape(artifact: Artifact) -> tuple[object, ...]:
    return artifact.format, artifact.graph, artifact.tile_size


def _median_ratio(latency: Latency | None, base: Latency | None) -> float | None:
    if latency is None or base is None:
        return None
    return median(a / b for a, b in zip(latency.rounds_p50_ms, base.rounds_p50_ms, strict=True))

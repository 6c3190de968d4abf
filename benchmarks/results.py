"""Measure a whole bundle, fresh processes for every artifact; results as versioned JSON (docs/results.md)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from benchmarks.device import Device
from benchmarks.environment import Environment, current_environment
from benchmarks.jobs import Job, JobStatus, LatencySettings, decode_result
from benchmarks.latency import Latency
from benchmarks.limits import MachineLimits, intensity_flop_per_byte
from benchmarks.parity import ArtifactParity
from benchmarks.rounds import Timing, join_limits, join_timings, latency_jobs, measure_rounds, ratio_to_fp32
from benchmarks.stability import instability, read_machine_state
from runtimes.bundle import MANIFEST_FILE, Bundle
from runtimes.decoding import to_json
from runtimes.errors import EdgesrError, InputError
from runtimes.files import write_atomically
from runtimes.manifest import Artifact
from runtimes.progress import Progress, ProgressEvent, silent
from runtimes.registry import runtime_info

SCHEMA_VERSION = 5


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a result is about: no two results of one file share a key."""

    artifact: str
    runtime: str
    threads: int
    device: str


@dataclass(frozen=True, kw_only=True)
class ParityResult:
    """``status`` is "done" when the worker finished; ``passed`` when moreover every golden kept its tolerance."""

    key: Key
    status: JobStatus
    reason: str | None
    passed: bool
    parity: ArtifactParity | None


@dataclass(frozen=True, kw_only=True)
class LatencyResult:
    """``latency`` is None unless ``status`` is "done" in every round; ``reason`` says why not.

    ``ratio_to_fp32``: how many times longer than the float32 artifact of the same format, graph, tile size, runtime and
    threads, as the median over rounds of the ratio within a round. ``gflops``: 1e9 operations a second at p50, two a
    multiply-accumulate; ``share_of_peak``: that by the sgemm limit of as many threads. None where not measured.
    """

    key: Key
    status: JobStatus
    reason: str | None
    latency: Latency | None
    ratio_to_fp32: float | None
    gflops: float | None
    share_of_peak: float | None
    intensity_flop_per_byte: float | None


@dataclass(frozen=True, kw_only=True)
class BundleIdentity:
    """The bundle that was measured: the SHA-256 of its manifest, its generator and checkpoint."""

    manifest_sha256: str
    generator: str
    checkpoint_sha256: str


@dataclass(frozen=True, kw_only=True)
class ParityResults:
    """Content of ``edgesr parity --json``."""

    schema_version: int
    kind: Literal["parity"]
    created_utc: str
    bundle: BundleIdentity
    environment: Environment
    results: tuple[ParityResult, ...]

    @property
    def passed(self) -> bool:
        """No artifact failed, crashed or timed out; runtimes that are not installed do not count."""
        return all(r.passed or r.status == "missing" for r in self.results)


@dataclass(frozen=True, kw_only=True)
class LatencyResults:
    """Content of ``edgesr bench --json``; ``complete`` is False where Ctrl-C left rounds out."""

    schema_version: int
    kind: Literal["latency"]
    created_utc: str
    bundle: BundleIdentity
    environment: Environment
    settings: LatencySettings
    rounds: int
    complete: bool
    limits: tuple[MachineLimits, ...]
    warnings: tuple[str, ...]
    results: tuple[LatencyResult, ...]

    @property
    def passed(self) -> bool:
        """Every artifact whose runtime is installed was measured."""
        return all(r.status in ("done", "missing") for r in self.results)


def run_parity(
    bundle: Bundle, device: Device, *, artifacts: Sequence[tuple[Artifact, str]], progress: Progress = silent
) -> ParityResults:
    """Check artifacts, each on its runtime, with one thread."""
    results = []
    for done, (artifact, runtime) in enumerate(artifacts):
        progress(ProgressEvent("parity", done, len(artifacts), artifact.id))
        job = Job(kind="parity", bundle=str(bundle.root), artifact=artifact.id, runtime=runtime, threads=1)
        outcome, parity = decode_result(ArtifactParity, device.run(job))
        results.append(
            ParityResult(
                key=result_key(job, device),
                status=outcome.status,
                reason=outcome.reason,
                passed=parity is not None and not any(g.failures for g in parity.goldens),
                parity=parity,
            )
        )
    progress(ProgressEvent("parity", len(artifacts), len(artifacts)))
    require_any_ran([(r.status, r.reason) for r in results])
    return ParityResults(
        schema_version=SCHEMA_VERSION,
        kind="parity",
        created_utc=utc_now(),
        bundle=bundle_identity(bundle),
        environment=current_environment(),
        results=tuple(results),
    )


def run_latency(
    bundle: Bundle,
    device: Device,
    *,
    artifacts: Sequence[tuple[Artifact, str]],
    threads: Sequence[int],
    settings: LatencySettings,
    rounds: int = 1,
    progress: Progress = silent,
) -> LatencyResults:
    """Time artifacts, each on its runtime, for every thread count, and the machine's limits, all once a round."""
    jobs = latency_jobs(bundle, artifacts, threads, settings)
    before = read_machine_state()
    measured = measure_rounds(device, jobs, rounds=rounds, progress=progress)
    timings = join_timings(jobs, measured)
    require_any_ran([(t.status, t.reason) for t in timings])
    limits = join_limits(jobs, measured)
    latencies = {t.job.title: t.latency for t in timings if t.latency is not None}
    return LatencyResults(
        schema_version=SCHEMA_VERSION,
        kind="latency",
        created_utc=utc_now(),
        bundle=bundle_identity(bundle),
        environment=current_environment(),
        settings=settings,
        rounds=rounds,
        complete=measured.complete,
        limits=limits,
        warnings=instability(before, read_machine_state(), latencies),
        results=tuple(_latency_result(timing, timings, bundle, device, limits) for timing in timings),
    )


def _latency_result(
    timing: Timing, timings: Sequence[Timing], bundle: Bundle, device: Device, limits: Sequence[MachineLimits]
) -> LatencyResult:
    artifact, latency = bundle.artifact(timing.job.artifact), timing.latency
    gflops = 2000 / latency.ms_per_gmac if latency else None
    intensity = intensity_flop_per_byte(artifact, latency.size, scale=bundle.manifest.scale) if latency else None
    peak = next((one.sgemm_gflops for one in limits if one.threads == timing.job.threads), None)
    return LatencyResult(
        key=result_key(timing.job, device),
        status=timing.status,
        reason=timing.reason,
        latency=latency,
        ratio_to_fp32=ratio_to_fp32(timing, timings, bundle),
        gflops=gflops,
        share_of_peak=gflops / peak if gflops and peak else None,
        intensity_flop_per_byte=intensity,
    )


def select_artifacts(
    bundle: Bundle, *, artifact: str | None = None, runtime: str | None = None
) -> list[tuple[Artifact, str]]:
    """Artifacts of a bundle with the runtimes to measure them on: all, or those that were asked for."""
    chosen = [bundle.artifact(artifact)] if artifact else list(bundle.manifest.artifacts)
    if runtime is not None:
        runtime_info(runtime)
    pairs = [(a, r) for a in chosen for r in a.runtimes if runtime in (None, r)]
    if not pairs:
        raise InputError(f"{bundle.root}: nothing to measure for artifact {artifact or 'any'} on runtime {runtime!r}")
    return pairs


def result_key(job: Job, device: Device) -> Key:
    """What a job's result is about."""
    return Key(artifact=job.artifact, runtime=job.runtime, threads=job.threads, device=device.name)


def require_any_ran(outcomes: list[tuple[JobStatus, str | None]]) -> None:
    """An EdgesrError when no runtime at all was installed."""
    if all(status == "missing" for status, _ in outcomes):
        raise EdgesrError(f"no runtime of this bundle is installed: {outcomes[0][1]}")


def bundle_identity(bundle: Bundle) -> BundleIdentity:
    """Which bundle was measured."""
    return BundleIdentity(
        manifest_sha256=hashlib.sha256((bundle.root / MANIFEST_FILE).read_bytes()).hexdigest(),
        generator=str(bundle.manifest.generator.get("name", "unknown")),
        checkpoint_sha256=bundle.manifest.checkpoint.sha256,
    )


def utc_now() -> str:
    """ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def require_writable(path: Path | None) -> None:
    """Refuse a results file that could not be written, before anything is measured."""
    if path is not None and (path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK)):
        raise InputError(f"{path}: cannot be written; its folder must exist and be writable")


def write_json(results: object, path: Path | None) -> None:
    """Write the dataclass of a results file as JSON, whole or not at all; nothing without a path."""
    if path is not None:
        write_atomically(path, to_json(results).encode())

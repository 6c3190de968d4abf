"""Where the time of an artifact goes: its operators' times and its delegate's parts, a fresh process each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.device import Device
from benchmarks.environment import Environment, current_environment
from benchmarks.jobs import Job, JobStatus, LatencySettings, decode_result
from benchmarks.latency import photograph_golden
from benchmarks.results import (
    SCHEMA_VERSION,
    BundleIdentity,
    Key,
    bundle_identity,
    require_any_ran,
    result_key,
    utc_now,
)
from runtimes.bundle import Bundle
from runtimes.manifest import Artifact
from runtimes.operator_profile import OperatorProfile, OperatorTime, profile_operators
from runtimes.progress import Progress, ProgressEvent, silent


@dataclass(frozen=True, kw_only=True)
class KindTime:
    """All operators of one kind in an artifact: their number, ms a call together, share of all operators' time."""

    kind: str
    count: int
    ms: float
    share: float


@dataclass(frozen=True, kw_only=True)
class ProfileResult:
    """``profile`` is None unless ``status`` is "done"; ``reason`` says why not."""

    key: Key
    status: JobStatus
    reason: str | None
    profile: OperatorProfile | None

    def kinds(self) -> list[KindTime]:
        """Operators by kind, the most expensive first; empty without times."""
        operators = self.profile.operators if self.profile else ()
        total = sum(one.ms for one in operators)
        groups: dict[str, list[OperatorTime]] = {}
        for one in operators:
            groups.setdefault(one.kind, []).append(one)
        found = [
            KindTime(kind=kind, count=len(group), ms=(ms := sum(o.ms for o in group)), share=ms / total if total else 0)
            for kind, group in groups.items()
        ]
        return sorted(found, key=lambda one: -one.ms)

    def dearest(self, count: int) -> list[OperatorTime]:
        """The operators that take longest."""
        return sorted(self.profile.operators if self.profile else (), key=lambda one: -one.ms)[:count]


@dataclass(frozen=True, kw_only=True)
class ProfileResults:
    """Content of ``edgesr profile --json``."""

    schema_version: int
    kind: Literal["operators"]
    created_utc: str
    bundle: BundleIdentity
    environment: Environment
    results: tuple[ProfileResult, ...]

    @property
    def passed(self) -> bool:
        """Every artifact whose runtime is installed was profiled."""
        return all(r.status in ("done", "missing") for r in self.results)


def measure_profile(bundle: Bundle, artifact: Artifact, *, runtime: str, threads: int, calls: int) -> OperatorProfile:
    """Profile an artifact on the golden photograph that latency is measured on."""
    image = bundle.tensor(photograph_golden(bundle, artifact).input)
    return profile_operators(bundle, artifact, image, runtime=runtime, threads=threads, calls=calls)


def run_profiles(
    bundle: Bundle,
    device: Device,
    *,
    artifacts: Sequence[tuple[Artifact, str]],
    threads: int,
    calls: int,
    progress: Progress = silent,
) -> ProfileResults:
    """Profile artifacts, each on its runtime, with one thread count."""
    results = []
    for done, (artifact, runtime) in enumerate(artifacts):
        progress(ProgressEvent("profile", done, len(artifacts), artifact.id))
        job = Job(
            kind="profile",
            bundle=str(bundle.root),
            artifact=artifact.id,
            runtime=runtime,
            threads=threads,
            latency=LatencySettings(calls=calls),
        )
        outcome, profile = decode_result(OperatorProfile, device.run(job))
        results.append(
            ProfileResult(key=result_key(job, device), status=outcome.status, reason=outcome.reason, profile=profile)
        )
    progress(ProgressEvent("profile", len(artifacts), len(artifacts)))
    require_any_ran([(r.status, r.reason) for r in results])
    return ProfileResults(
        schema_version=SCHEMA_VERSION,
        kind="operators",
        created_utc=utc_now(),
        bundle=bundle_identity(bundle),
        environment=current_environment(),
        results=tuple(results),
    )

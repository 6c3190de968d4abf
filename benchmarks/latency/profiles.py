"""Profiles of an artifact's time: its operators' times and its delegate's parts, each in a fresh process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.latency.operators import PROFILE
from edgesr.benchmarks.latency.settings import ProfileSettings
from edgesr.benchmarks.results.header import Header, header
from edgesr.benchmarks.results.rows import Row, all_measured, require_any_ran, row
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.interface.operator_profile import OperatorProfile, OperatorTime
from edgesr.runtimes.progress import Progress, ProgressEvent, silent


@dataclass(frozen=True, kw_only=True)
class KindTime:
    """All operators of one kind in an artifact: their number, ms a call together, share of all operators' time."""

    kind: str
    count: int
    ms: float
    share: float


@dataclass(frozen=True, kw_only=True)
class ProfileResult(Row):
    """``profile`` is None unless ``status`` is "done"; ``reason`` says why not."""

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
class ProfileResults(Header):
    """Content of ``edgesr profile --json``."""

    KIND = "operators"
    VERSION = 7
    OLDEST_VERSION = 6
    COMMAND = "edgesr profile --json"

    results: tuple[ProfileResult, ...]

    @property
    def passed(self) -> bool:
        """Every artifact whose runtime is installed was profiled."""
        return all_measured(self.results)


def profile_artifacts(
    bundle: Bundle,
    device: Device,
    *,
    artifacts: Sequence[tuple[Artifact, str]],
    threads: int,
    settings: ProfileSettings,
    provider: str | None = None,
    progress: Progress = silent,
) -> ProfileResults:
    """Profile artifacts, each on its runtime, with one thread count."""
    results = []
    for done, (artifact, runtime) in enumerate(artifacts):
        progress(ProgressEvent("profile", done, len(artifacts), artifact.id))
        job = PROFILE.job(
            settings, bundle=bundle, artifact=artifact.id, runtime=runtime, threads=threads, provider=provider
        )
        outcome, profile = PROFILE.answer(device.run(job))
        results.append(ProfileResult(**row(job, device.name, outcome), profile=profile))
    progress(ProgressEvent("profile", len(artifacts), len(artifacts)))
    require_any_ran([(r.status, r.reason) for r in results])
    return ProfileResults(
        **header(ProfileResults, bundle),
        results=tuple(results),
    )

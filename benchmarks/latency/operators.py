"""The job that times the operators of one artifact, in a worker process."""

from __future__ import annotations

from edgesr.benchmarks.jobs import Job, JobKind
from edgesr.benchmarks.latency.call import photograph_golden
from edgesr.benchmarks.latency.settings import ProfileSettings
from edgesr.runtimes.adapters.profiling import profile_operators
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.interface.operator_profile import OperatorProfile
from edgesr.runtimes.json_records import DecodeError


def measure_profile(
    bundle: Bundle, artifact: Artifact, *, runtime: str, threads: int, calls: int, provider: str | None = None
) -> OperatorProfile:
    """Profile an artifact on the golden photograph that latency is measured on."""
    image = bundle.tensor(photograph_golden(bundle, artifact).input)
    return profile_operators(bundle, artifact, image, runtime=runtime, threads=threads, calls=calls, provider=provider)


def _profile(job: Job, settings: ProfileSettings) -> OperatorProfile:
    opened = job.opened()
    return measure_profile(
        *opened, runtime=job.runtime, threads=job.threads, calls=settings.calls, provider=job.provider
    )


def _check(profile: OperatorProfile) -> None:
    if profile.call_ms <= 0 or (profile.operators and sum(one.ms for one in profile.operators) <= 0):
        raise DecodeError("a call took no time")


PROFILE = JobKind(name="profile", settings=ProfileSettings, result=OperatorProfile, measure=_profile, check=_check)

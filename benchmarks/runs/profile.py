"""Time the operators of a bundle's artifacts."""

from __future__ import annotations

from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.latency.profiles import ProfileResults, profile_artifacts
from edgesr.benchmarks.latency.settings import ProfileSettings
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.runs.options import ProfileOptions
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, silent


def run_profile(
    bundle: Bundle, options: ProfileOptions | None = None, *, progress: Progress = silent
) -> ProfileResults:
    """Time the operators of every artifact on this host, and tell what a delegate takes."""
    options = options or ProfileOptions()
    return profile_artifacts(
        bundle,
        HostDevice(),
        artifacts=select_artifacts(bundle, artifact=options.artifact, runtime=options.runtime),
        threads=options.threads,
        settings=ProfileSettings(calls=options.calls),
        progress=progress,
    )

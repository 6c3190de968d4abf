"""Time the operators of a bundle's artifacts."""

from __future__ import annotations

from pathlib import Path

from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.latency.profiles import ProfileResults, profile_artifacts
from edgesr.benchmarks.latency.settings import ProfileSettings
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.results.writing import require_writable, write_json
from edgesr.benchmarks.runs.options import ProfileOptions
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, silent


def run_profile(
    bundle: Bundle,
    options: ProfileOptions | None = None,
    *,
    json: Path | None = None,
    progress: Progress = silent,
) -> ProfileResults:
    """Time the operators of every artifact on this host, and tell what a delegate takes.

    ``json``: also write the results to this file, which is refused before work starts when it cannot be written.
    """
    options = options or ProfileOptions()
    require_writable(json, bundle.root)
    results = profile_artifacts(
        bundle,
        HostDevice(),
        artifacts=select_artifacts(
            bundle, artifact=options.artifact, runtime=options.runtime, provider=options.provider
        ),
        threads=options.threads,
        settings=ProfileSettings(calls=options.calls),
        provider=options.provider,
        progress=progress,
    )
    write_json(results, json)
    return results

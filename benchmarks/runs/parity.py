"""Check a bundle: does every artifact compute what float32 PyTorch computes?"""

from __future__ import annotations

from edgesr.benchmarks.devices.registry import open_devices
from edgesr.benchmarks.jobs import HOST
from edgesr.benchmarks.parity.on_devices import check_on_devices
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.runs.options import ParityOptions
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, silent


def run_parity(bundle: Bundle, options: ParityOptions | None = None, *, progress: Progress = silent) -> ParityResults:
    """Compare every artifact with float32 PyTorch on the goldens, a fresh process each, here and on other devices."""
    options = options or ParityOptions()
    chosen = select_artifacts(bundle, artifact=options.artifact, runtime=options.runtime)
    devices = open_devices(f"{HOST},{options.device}")
    return check_on_devices(bundle, devices, artifacts=chosen, progress=progress)

"""Call each artifact of a bundle for minutes: does the device keep its speed?"""

from __future__ import annotations

from pathlib import Path

from edgesr.benchmarks.devices.device import on_device
from edgesr.benchmarks.devices.registry import opened_devices
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.results.writing import require_writable, write_json
from edgesr.benchmarks.runs.cores import require_cores
from edgesr.benchmarks.runs.options import SustainedOptions
from edgesr.benchmarks.sustained.results import SustainedResults, measure_each
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import Progress, silent


def run_sustained(
    bundle: Bundle, options: SustainedOptions, *, json: Path | None = None, progress: Progress = silent
) -> SustainedResults:
    """Call every artifact for as long as the options say, each in a fresh process, and tell throttling (heat) from
    contention (other processes).

    ``json``: also write the results to this file; raises before work starts if it cannot be written. After Ctrl-C it
    returns the results so far; if there are none, KeyboardInterrupt goes on.
    """
    require_writable(json, bundle.root)
    chosen = select_artifacts(bundle, artifact=options.artifact, runtime=options.runtime, provider=options.provider)
    with opened_devices(options.device, python=options.device_python) as devices:
        if len(devices) > 1 or devices[0].emulated:
            names = ", ".join(device.name for device in devices)
            raise InputError(f"--sustained measures time on one device, which is not emulated: {names} cannot be used")
        device = devices[0]
        require_cores(device, options.cores, options.threads)
        results = measure_each(
            bundle,
            device,
            artifacts=on_device(device, chosen),
            threads=options.threads,
            settings=options.settings,
            provider=options.provider,
            progress=progress,
        )
    write_json(results, json)
    return results

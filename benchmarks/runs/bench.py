"""Measure a bundle: latency where time is real, instructions on emulated devices, or a photograph from file to file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgesr.benchmarks.devices.device import Device, environments, on_device
from edgesr.benchmarks.devices.registry import opened_devices
from edgesr.benchmarks.latency.end_to_end_results import EndToEndResults, run_end_to_end
from edgesr.benchmarks.latency.instruction_results import count_jobs, count_on_devices
from edgesr.benchmarks.latency.regression import require_like, require_like_devices, require_same_bundle
from edgesr.benchmarks.latency.results import LatencyResults, run_latency, without_latency
from edgesr.benchmarks.machine.environment import current_environment
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.header import bundle_identity
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.results.writing import require_writable, write_json
from edgesr.benchmarks.runs.cores import require_cores
from edgesr.benchmarks.runs.options import BenchOptions, PhotographOptions
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import Progress, silent


def run_bench(
    bundle: Bundle,
    options: BenchOptions | None = None,
    *,
    json: Path | None = None,
    progress: Progress = silent,
) -> LatencyResults:
    """Time every artifact, a fresh process each in every round; on emulated devices count instructions instead.

    What cannot be measured, or not compared with an earlier file, is an InputError or a MissingPackageError before
    anything is measured. Ctrl-C leaves what was measured so far, and goes on where that is nothing. ``json``: also
    write the results to this file.
    """
    options = options or BenchOptions()
    require_writable(json, bundle.root, options.against)
    chosen = select_artifacts(bundle, artifact=options.artifact, runtime=options.runtime, provider=options.provider)
    with opened_devices(options.device, python=options.device_python) as devices:
        results = _measured(bundle, devices, chosen, options, progress)
    write_json(results, json)
    return results


def _measured(
    bundle: Bundle,
    devices: Sequence[Device],
    chosen: Sequence[tuple[Artifact, str]],
    options: BenchOptions,
    progress: Progress,
) -> LatencyResults:
    """Latency, and instructions on emulated devices."""
    counting = [device for device in devices if device.emulated]
    if counting and options.provider is not None:
        raise InputError(f"--provider {options.provider}: instructions are those of the CPU; leave out --device")
    _require_comparable(bundle, devices, options)
    jobs = count_jobs(counting, chosen)
    results = _timed(bundle, devices, chosen, options, progress)
    if jobs and results.complete:
        counted = count_on_devices(bundle, jobs, progress=progress)
        if not (results.results or counted.results):
            raise KeyboardInterrupt
        counts, complete = counted.results, counted.complete
        results = replace(results, devices=environments(devices), instructions=counts, complete=complete)
    return results


def run_photograph(
    bundle: Bundle, options: PhotographOptions, *, json: Path | None = None, progress: Progress = silent
) -> EndToEndResults:
    """Upscale a photograph from file to file with every tile artifact, a fresh process each.

    ``json``: also write the results to this file, which is refused before work starts when it cannot be written.
    """
    require_writable(json, bundle.root)
    chosen = select_artifacts(bundle, artifact=options.artifact, runtime=options.runtime, provider=options.provider)
    with opened_devices(options.device, python=options.device_python) as devices:
        if any(device.emulated for device in devices):
            raise InputError("--image-size measures time, which emulated devices have none of: leave out --device")
        device = _one(devices)
        require_cores(device, options.cores, options.threads)
        results = run_end_to_end(
            bundle,
            device,
            artifacts=chosen,
            threads=options.threads,
            settings=options.settings,
            provider=options.provider,
            progress=progress,
        )
    write_json(results, json)
    return results


def _timed(
    bundle: Bundle,
    devices: Sequence[Device],
    chosen: Sequence[tuple[Artifact, str]],
    options: BenchOptions,
    progress: Progress,
) -> LatencyResults:
    """Latency on the device whose time is real; no rows where there is none."""
    timing = [device for device in devices if not device.emulated]
    if not timing:
        return without_latency(bundle, options.settings, options.rounds)
    device = _one(timing)
    require_cores(device, options.cores, options.threads)
    return run_latency(
        bundle,
        device,
        artifacts=on_device(device, chosen),
        threads=options.threads,
        settings=options.settings,
        rounds=options.rounds,
        provider=options.provider,
        progress=progress,
    )


def _require_comparable(bundle: Bundle, devices: Sequence[Device], options: BenchOptions) -> None:
    """Refuse an earlier file that cannot be compared with; instruction counts do not depend on this machine."""
    if options.against is None:
        return
    old = read_results(LatencyResults, options.against)
    require_same_bundle(old, bundle_identity(bundle), accept=options.unlike)
    timed = not all(device.emulated for device in devices)
    if not (old.results if timed else old.instructions):
        found = "latency" if timed else "instruction counts"
        raise InputError(f"{options.against}: has no {found} to compare with")
    if timed:
        require_like(old, current_environment(), options.settings, accept=options.unlike)
    require_like_devices(old.devices, environments(devices), accept=options.unlike)


def _one(devices: Sequence[Device]) -> Device:
    """The device to measure time on."""
    if len(devices) > 1:
        raise InputError(f"time is measured on one device: give one of {', '.join(one.name for one in devices)}")
    return devices[0]

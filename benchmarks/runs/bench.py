"""Measure a bundle: latency where time is real, instructions on emulated devices, or a photograph from file to file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from edgesr.benchmarks.devices.device import Device, environments, on_device
from edgesr.benchmarks.devices.parallel import by_machine, side_by_side
from edgesr.benchmarks.devices.registry import opened_devices
from edgesr.benchmarks.latency.end_to_end_results import EndToEndResults, joined_photographs, run_end_to_end
from edgesr.benchmarks.latency.instruction_results import count_jobs, count_on_devices
from edgesr.benchmarks.latency.regression import require_like, require_like_devices, require_same_bundle
from edgesr.benchmarks.latency.results import LatencyResults, joined_results, time_artifacts, without_latency
from edgesr.benchmarks.machine.environment import current_environment
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.header import bundle_identity
from edgesr.benchmarks.results.rows import require_any_ran, select_artifacts
from edgesr.benchmarks.results.writing import require_writable, write_json
from edgesr.benchmarks.runs.cores import require_cores
from edgesr.benchmarks.runs.options import BenchOptions, PhotographOptions
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import Progress, ProgressEvent, of_part, one_at_a_time, silent


def run_bench(
    bundle: Bundle,
    options: BenchOptions | None = None,
    *,
    json: Path | None = None,
    progress: Progress = silent,
) -> LatencyResults:
    """Time every artifact, in a fresh process in every round; on emulated devices count instructions instead.

    Raises InputError or MissingPackageError before anything is measured, if something cannot be measured or not be
    compared with an earlier file. After Ctrl-C it returns the results so far; if there are none, KeyboardInterrupt goes
    on. ``json``: also write the results to this file.
    """
    options = options or BenchOptions()
    require_writable(json, bundle.root, options.against)
    chosen = select_artifacts(bundle, artifact=options.artifact, runtime=options.runtime, provider=options.provider)
    with opened_devices(options.device, python=options.device_python, progress=progress) as devices:
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
    """Latency, and instructions on emulated devices: machines at the same time, devices of one machine in turn."""
    if options.provider is not None and any(device.emulated for device in devices):
        raise InputError(
            f"--provider {options.provider}: emulated devices count instructions of the CPU alone; leave them out of "
            "--device"
        )
    _require_comparable(bundle, devices, options)
    tell = _progress_of(devices, progress)
    work = [_parts(bundle, machine, chosen, options, tell) for machine in by_machine(devices)]
    _prepare(bundle, devices, chosen, tell)
    for device in devices:
        if not device.emulated:
            require_cores(device, options.cores, options.threads)
    interrupted = replace(without_latency(bundle, options.settings, options.rounds), complete=False)
    ended = side_by_side(partial(_in_turn, interrupted), work)
    parts = [part for machine in ended for part in machine or [interrupted]]
    results = joined_results(replace(interrupted, devices=environments(devices)), parts, [one.name for one in devices])
    if not (results.results or results.instructions):
        raise KeyboardInterrupt
    if results.results:
        require_any_ran([(row.status, row.reason) for row in results.results])
    return results


def _parts(
    bundle: Bundle,
    machine: Sequence[Device],
    chosen: Sequence[tuple[Artifact, str]],
    options: BenchOptions,
    tell: Callable[[Device | None], Progress],
) -> list[Callable[[], LatencyResults]]:
    """The measurements for one machine: time on each device, then instructions on all that are emulated."""
    counts = count_jobs([device for device in machine if device.emulated], chosen)
    parts = [
        partial(
            time_artifacts,
            bundle,
            device,
            artifacts=on_device(device, chosen),
            threads=options.threads,
            settings=options.settings,
            rounds=options.rounds,
            provider=options.provider,
            progress=tell(device),
        )
        for device in machine
        if not device.emulated
    ]
    counted = partial(_counted, bundle, counts, options, tell(None))
    return [*parts, counted] if counts else [*parts]


def _counted(
    bundle: Bundle, jobs: Sequence[tuple[Device, Artifact, str]], options: BenchOptions, progress: Progress
) -> LatencyResults:
    counted = count_on_devices(bundle, jobs, progress=progress)
    empty = without_latency(bundle, options.settings, options.rounds)
    return replace(empty, instructions=counted.results, complete=counted.complete)


def _in_turn(interrupted: LatencyResults, parts: Sequence[Callable[[], LatencyResults]]) -> list[LatencyResults]:
    """The results of the parts, up to the first that was interrupted."""
    found: list[LatencyResults] = []
    try:
        for part in parts:
            found.append(part())
            if not found[-1].complete:
                break
    except KeyboardInterrupt:
        found.append(interrupted)
    return found


def _prepare(
    bundle: Bundle,
    devices: Sequence[Device],
    chosen: Sequence[tuple[Artifact, str]],
    tell: Callable[[Device | None], Progress],
) -> None:
    """Several devices first get what their jobs need: sending takes time of this machine, too."""

    def prepare(device: Device) -> str:
        tell(device)(ProgressEvent("prepare", 0, 1))
        device.prepare(bundle, list(dict.fromkeys(runtime for _, runtime in on_device(device, chosen))))
        tell(device)(ProgressEvent("prepare", 1, 1))
        return device.name

    if len(devices) > 1 and None in side_by_side(prepare, devices):
        raise KeyboardInterrupt


def _progress_of(devices: Sequence[Device], progress: Progress) -> Callable[[Device | None], Progress]:
    """A function that tells the progress of each device, with its name if there are several; None for work that names
    its own.
    """
    shared = one_at_a_time(progress)
    return lambda device: shared if device is None or len(devices) == 1 else of_part(shared, device.name)


def run_photograph(
    bundle: Bundle, options: PhotographOptions, *, json: Path | None = None, progress: Progress = silent
) -> EndToEndResults:
    """Upscale a photograph from file to file with every tile artifact, a fresh process each.

    ``json``: also write the results to this file, which is refused before work starts when it cannot be written.
    """
    require_writable(json, bundle.root)
    chosen = select_artifacts(bundle, artifact=options.artifact, runtime=options.runtime, provider=options.provider)
    with opened_devices(options.device, python=options.device_python, progress=progress) as devices:
        if any(device.emulated for device in devices):
            raise InputError(
                "--image-size measures time, and the time of emulated devices is not real: leave them out of --device"
            )
        tell = _progress_of(devices, progress)
        _prepare(bundle, devices, chosen, tell)
        for device in devices:
            require_cores(device, options.cores, options.threads)

        def measured(machine: Sequence[Device]) -> list[EndToEndResults]:
            return [
                run_end_to_end(
                    bundle,
                    device,
                    artifacts=on_device(device, chosen),
                    threads=options.threads,
                    settings=options.settings,
                    provider=options.provider,
                    progress=tell(device),
                )
                for device in machine
            ]

        ended = side_by_side(measured, by_machine(devices))
        if None in ended:
            raise KeyboardInterrupt
        results = joined_photographs([part for machine in ended for part in machine or ()], devices)
    write_json(results, json)
    return results


def _require_comparable(bundle: Bundle, devices: Sequence[Device], options: BenchOptions) -> None:
    """Refuse an earlier file that cannot be compared with; instruction counts do not depend on this machine."""
    if options.against is None:
        return
    old = read_results(LatencyResults, options.against)
    require_same_bundle(old, bundle_identity(bundle), accept=options.unlike)
    timed = not all(device.emulated for device in devices)
    rows = old.results if timed else old.instructions
    if not rows:
        found = "latency" if timed else "instruction counts"
        raise InputError(f"{options.against}: has no {found} to compare with")
    before, names = dict.fromkeys(row.key.device for row in rows), [device.name for device in devices]
    if not before.keys() & set(names):
        raise InputError(
            f"{options.against}: was measured on {', '.join(before)}, not on {', '.join(names)}: nothing to compare"
        )
    if timed:
        require_like(old, current_environment(), options.settings, accept=options.unlike)
    require_like_devices(old.devices, environments(devices), accept=options.unlike)

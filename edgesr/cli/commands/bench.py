"""The sub-command `bench`: latency of bare calls, or of a photograph from file to file."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgesr.cli.terminal import (
    DeviceOption,
    JsonOption,
    RuntimeOption,
    parse_bytes,
    parse_size,
    positive_integers,
    print_lines,
    print_table,
    shown_progress,
)
from edgesr.runtimes.adapters.registry import require_threads
from edgesr.runtimes.errors import InputError

if TYPE_CHECKING:
    from edgesr.benchmarks.devices.registry import AnyDevice
    from edgesr.benchmarks.jobs import LatencySettings
    from edgesr.benchmarks.latency.end_to_end_results import EndToEndResults
    from edgesr.benchmarks.latency.results import LatencyResults
    from edgesr.runtimes.bundle.manifest import Artifact
    from edgesr.runtimes.bundle.opening import Bundle
    from edgesr.runtimes.progress import Progress

    Chosen = list[tuple[Artifact, str]]

LimitOption = Annotated[str, typer.Option(help="How much slower is too much, in percent of p50.")]
UnlikeOption = Annotated[bool, typer.Option("--unlike", help="Compare even what was measured in unlike conditions.")]

_INTERRUPTED = 130
_MLPERF_QUERIES = 1024
_MLPERF_SECONDS = 60.0


def bench(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle made by 'edgesr export'.")],
    threads: Annotated[str, typer.Option(help="Comma-separated thread counts.")] = "1",
    runtime: RuntimeOption = None,
    artifact: Annotated[str | None, typer.Option("--artifact", help="Only the artifact of this id.")] = None,
    calls: Annotated[int, typer.Option(min=1, help="At least this many timed calls a round.")] = 10,
    seconds: Annotated[float, typer.Option(min=0.0, help="At least this many seconds of timed calls a round.")] = 1.0,
    rounds: Annotated[
        int, typer.Option(min=1, help="Measure all artifacts this many times in turn, a fresh process each time.")
    ] = 5,
    mlperf: Annotated[
        bool, typer.Option("--mlperf", help="At least 1024 calls and 60 s each over all rounds, and p90 counts.")
    ] = False,
    pin: Annotated[bool, typer.Option("--pin", help="Keep each process to as many cores as it has threads.")] = False,
    against: Annotated[Path | None, typer.Option(metavar="OLD.json", help="Then compare with this file.")] = None,
    limit: LimitOption = "5%",
    unlike: UnlikeOption = False,
    image_size: Annotated[
        str | None,
        typer.Option(help="Instead: upscale a photograph of this LR height x width in tiles, from file to file."),
    ] = None,
    memory: Annotated[str, typer.Option(help="What tiles may take at one time, with --image-size.")] = "256MB",
    device: DeviceOption = "host",
    json: JsonOption = None,
) -> None:
    """Measure latency and peak memory of every artifact, a fresh process each in every round.

    On emulated devices instructions are counted instead, at one thread: the options of timing do not apply there.
    """
    from edgesr.benchmarks.devices.registry import emulated, open_devices
    from edgesr.benchmarks.jobs import LatencySettings
    from edgesr.benchmarks.results.rows import select_artifacts
    from edgesr.benchmarks.results.writing import require_writable
    from edgesr.runtimes.bundle.opening import open_bundle

    size = None if image_size is None else parse_size(image_size, "--image-size")
    memory_bytes, counts = parse_bytes("--memory", memory), positive_integers("--threads", threads)
    for count in counts:
        require_threads(count)
    share = parse_percent("--limit", limit)
    if mlperf:
        calls, seconds = max(calls, math.ceil(_MLPERF_QUERIES / rounds)), max(seconds, _MLPERF_SECONDS / rounds)
    settings = LatencySettings(calls=calls, seconds=seconds, pin=pin, mlperf=mlperf)
    opened = open_bundle(bundle)
    require_writable(json, bundle, against)
    chosen = select_artifacts(opened, artifact=artifact, runtime=runtime)
    devices = open_devices(device)
    if size is not None:
        if against is not None:
            raise InputError("--against compares bare calls: leave out --image-size")
        if emulated(devices):
            raise InputError("--image-size measures time, which emulated devices have none of: leave out --device")
        raise typer.Exit(_photograph(opened, chosen, counts, size, memory_bytes, json))
    plan = _Plan(opened, chosen, devices, counts, settings, rounds)
    old = None if against is None else _earlier(against, plan, unlike=unlike)
    results = _calls(plan, json)
    alike = old is None or not results.complete or shown_comparison(old, results, limit=share, unlike=unlike)
    if not results.complete:
        raise typer.Exit(_INTERRUPTED)
    raise typer.Exit(0 if results.passed and alike else 1)


def shown_comparison(old: LatencyResults, new: LatencyResults, *, limit: float, unlike: bool) -> bool:
    """Print the comparison; whether nothing failed, became slower by more than ``limit``, a share of p50, or executes
    more instructions.
    """
    from edgesr.benchmarks.latency.regression import compare_results
    from edgesr.benchmarks.tables.changes import change_lines, change_table, count_change_table

    changes = compare_results(old, new, limit=limit, unlike=unlike)
    if changes.changes:
        print_table(change_table(changes))
    if changes.counts:
        print_table(count_change_table(changes.counts))
    print_lines(change_lines(changes))
    return not changes.regressions and not changes.count_regressions


def parse_percent(option: str, text: str) -> float:
    """The share of 1 of a text such as 5% or 2.5."""
    found = re.fullmatch(r"(\d{1,4}(?:\.\d+)?)\s*%?", text.strip())
    if found is None:
        raise InputError(f"{option} {text!r}: give a percentage such as 5%")
    return float(found[1]) / 100


@dataclass(frozen=True)
class _Plan:
    """What to measure where."""

    bundle: Bundle
    chosen: Chosen
    devices: list[AnyDevice]
    counts: list[int]
    settings: LatencySettings
    rounds: int


def _earlier(file: Path, plan: _Plan, *, unlike: bool) -> LatencyResults:
    """The file to compare with, refused before anything is measured; counts do not depend on this machine."""
    from edgesr.benchmarks.devices.registry import emulated, environments
    from edgesr.benchmarks.latency.regression import require_like, require_like_devices, require_same_bundle
    from edgesr.benchmarks.latency.results import LatencyResults
    from edgesr.benchmarks.machine.environment import current_environment
    from edgesr.benchmarks.result_files import read_results
    from edgesr.benchmarks.results.header import bundle_identity

    old = read_results(LatencyResults, file)
    require_same_bundle(old, bundle_identity(plan.bundle), accept=unlike)
    timed = len(emulated(plan.devices)) < len(plan.devices)
    if not (old.results if timed else old.instructions):
        raise InputError(f"{file}: has no {'latency' if timed else 'instruction counts'} to compare with")
    if timed:
        require_like(old, current_environment(), plan.settings, accept=unlike)
    require_like_devices(old.devices, environments(plan.devices), accept=unlike)
    return old


def _calls(plan: _Plan, json: Path | None) -> LatencyResults:
    """Measure bare calls and count instructions, write and show them."""
    from edgesr.benchmarks.results.writing import write_json
    from edgesr.benchmarks.tables.devices import instruction_lines, instruction_table
    from edgesr.benchmarks.tables.latency import latency_notes, latency_table
    from edgesr.benchmarks.tables.not_measured import not_measured

    with shown_progress() as progress:
        results = _measured(plan, progress)
    write_json(results, json)
    if results.results:
        print_table(latency_table(results))
        print_lines(not_measured(results))
        print_lines(latency_notes(results))
    if results.instructions:
        print_table(instruction_table(results.instructions))
        print_lines(instruction_lines(results.instructions))
    return results


def _measured(plan: _Plan, progress: Progress) -> LatencyResults:
    """Latency on the host, counts elsewhere; what cannot be counted is refused before anything is timed."""
    from edgesr.benchmarks.devices.device import HostDevice
    from edgesr.benchmarks.devices.registry import emulated, environments
    from edgesr.benchmarks.latency.instruction_results import count_jobs, count_on_devices
    from edgesr.benchmarks.latency.results import run_latency, without_latency

    guests = emulated(plan.devices)
    jobs = count_jobs(guests, plan.chosen)
    if len(guests) == len(plan.devices):
        results = without_latency(plan.bundle, plan.settings, plan.rounds)
    else:
        results = run_latency(
            plan.bundle,
            HostDevice(),
            artifacts=plan.chosen,
            threads=plan.counts,
            settings=plan.settings,
            rounds=plan.rounds,
            progress=progress,
        )
    if not jobs or not results.complete:
        return results
    counted = count_on_devices(plan.bundle, jobs, progress=progress)
    if not (results.results or counted.results):
        raise KeyboardInterrupt
    return replace(results, devices=environments(guests), instructions=counted.results, complete=counted.complete)


def _photograph(
    bundle: Bundle, chosen: Chosen, counts: list[int], size: tuple[int, int], memory_bytes: int, json: Path | None
) -> int:
    """Measure a photograph from file to file, write and show it; the exit code."""
    from edgesr.benchmarks.devices.device import HostDevice
    from edgesr.benchmarks.jobs import EndToEndSettings
    from edgesr.benchmarks.latency.end_to_end_results import run_end_to_end
    from edgesr.benchmarks.results.writing import write_json
    from edgesr.benchmarks.tables.end_to_end import end_to_end_table
    from edgesr.benchmarks.tables.not_measured import not_measured

    settings = EndToEndSettings(size=size, memory_bytes=memory_bytes)
    results: EndToEndResults
    with shown_progress() as progress:
        results = run_end_to_end(
            bundle, HostDevice(), artifacts=chosen, threads=counts, settings=settings, progress=progress
        )
    write_json(results, json)
    print_table(end_to_end_table(results))
    print_lines(not_measured(results))
    return 0 if results.passed else 1

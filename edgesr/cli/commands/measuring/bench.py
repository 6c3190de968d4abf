"""The sub-command `bench`: latency of bare calls, or of a photograph from file to file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgesr.benchmarks.runs.options import BenchOptions, CompareOptions, PhotographOptions, SustainedOptions
from edgesr.cli.terminal import (
    DeviceOption,
    DevicePythonOption,
    JsonOption,
    ProviderOption,
    RuntimeOption,
    parse_bytes,
    parse_percent,
    parse_size,
    positive_integers,
    print_lines,
    print_table,
    shown_progress,
)
from edgesr.runtimes.errors import InputError

if TYPE_CHECKING:
    from edgesr.benchmarks.latency.regression import Changes
    from edgesr.benchmarks.latency.results import LatencyResults
    from edgesr.runtimes.bundle.opening import Bundle

LimitOption = Annotated[str, typer.Option(help="How much slower is too much, in percent of p50.")]
UnlikeOption = Annotated[bool, typer.Option("--unlike", help="Compare even what was measured in unlike conditions.")]

CoresOption = Annotated[
    str | None,
    typer.Option(
        "--cores",
        metavar="big|little|0-3",
        help="Keep each process to these cores: the fastest, the slowest, or some by number, such as 0-3 or 0,2.",
    ),
]

LIMIT = f"{100 * CompareOptions.limit:g}%"
_THREADS = ",".join(map(str, BenchOptions.threads))
_MEMORY = f"{PhotographOptions.memory_bytes // 10**6}MB"
_INTERRUPTED = 130


def bench(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle made by 'edgesr export'.")],
    threads: Annotated[str, typer.Option(help="Comma-separated thread counts.")] = _THREADS,
    runtime: RuntimeOption = None,
    provider: ProviderOption = None,
    artifact: Annotated[str | None, typer.Option("--artifact", help="Only the artifact of this id.")] = None,
    calls: Annotated[int, typer.Option(min=1, help="At least this many timed calls a round.")] = BenchOptions.calls,
    seconds: Annotated[
        float, typer.Option(min=0.0, help="At least this many seconds of timed calls a round.")
    ] = BenchOptions.seconds,
    rounds: Annotated[
        int, typer.Option(min=1, help="Measure all artifacts this many times in turn, a fresh process each time.")
    ] = BenchOptions.rounds,
    mlperf: Annotated[
        bool, typer.Option("--mlperf", help="At least 1024 calls and 60 s each over all rounds, and p90 counts.")
    ] = False,
    pin: Annotated[bool, typer.Option("--pin", help="Keep each process to as many cores as it has threads.")] = False,
    cores: CoresOption = None,
    against: Annotated[Path | None, typer.Option(metavar="OLD.json", help="Then compare with this file.")] = None,
    limit: LimitOption = LIMIT,
    unlike: UnlikeOption = False,
    sustained: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Instead: call each artifact for so long, such as 300, and tell throttling from other processes.",
        ),
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(help="Instead: upscale a photograph of this LR height x width in tiles, from file to file."),
    ] = None,
    memory: Annotated[str, typer.Option(help="What tiles may take at one time, with --image-size.")] = _MEMORY,
    device: DeviceOption = BenchOptions.device,
    device_python: DevicePythonOption = None,
    json: JsonOption = None,
) -> None:
    """Measure latency and peak memory of every artifact, a fresh process each in every round.

    Several devices are measured at the same time, those that share this machine's CPUs in turn. On emulated devices
    instructions are counted instead, at one thread: the options of timing do not apply there.
    """
    from edgesr.benchmarks.runs.compare import compare_with_file
    from edgesr.runtimes.bundle.opening import open_bundle

    size = None if image_size is None else parse_size(image_size, "--image-size")
    memory_bytes, counts = parse_bytes("--memory", memory), tuple(positive_integers("--threads", threads))
    comparison = CompareOptions(limit=parse_percent("--limit", limit), unlike=unlike)
    options = BenchOptions(
        artifact=artifact,
        runtime=runtime,
        provider=provider,
        threads=counts,
        calls=calls,
        seconds=seconds,
        rounds=rounds,
        mlperf=mlperf,
        pin=pin,
        cores=cores,
        device=device,
        device_python=device_python,
        against=against,
        unlike=unlike,
    )
    opened = open_bundle(bundle)
    if against is not None and (size is not None or sustained is not None):
        raise InputError("--against compares bare calls: leave out --image-size and --sustained")
    if sustained is not None:
        if size is not None:
            raise InputError("--sustained repeats bare calls: leave out --image-size")
        raise typer.Exit(_sustained(opened, _sustained_options(sustained, options), json))
    if size is not None:
        photograph = PhotographOptions(
            size=size,
            memory_bytes=memory_bytes,
            artifact=artifact,
            runtime=runtime,
            provider=provider,
            threads=counts,
            cores=cores,
            device=device,
            device_python=device_python,
        )
        raise typer.Exit(_photograph(opened, photograph, json))
    results = _calls(opened, options, json)
    if not results.complete:
        raise typer.Exit(_INTERRUPTED)
    alike = against is None or shown_changes(compare_with_file(against, results, comparison))
    raise typer.Exit(0 if results.passed and alike else 1)


def shown_changes(changes: Changes) -> bool:
    """Print a comparison; whether nothing failed, became slower by more than its limit, or executes more
    instructions.
    """
    from edgesr.benchmarks.tables.changes import change_lines, change_table, count_change_table

    if changes.changes:
        print_table(change_table(changes))
    if changes.counts:
        print_table(count_change_table(changes.counts))
    print_lines(change_lines(changes))
    return changes.passed


def _calls(bundle: Bundle, options: BenchOptions, json: Path | None) -> LatencyResults:
    """Measure bare calls and count instructions, write and show them."""
    from edgesr.benchmarks.runs.bench import run_bench
    from edgesr.benchmarks.tables.devices import instruction_lines, instruction_table, remote_lines
    from edgesr.benchmarks.tables.latency import latency_notes, latency_states, latency_table
    from edgesr.benchmarks.tables.not_measured import not_measured

    with shown_progress() as progress:
        results = run_bench(bundle, options, json=json, progress=progress)
    if results.results:
        print_table(latency_table(results))
        if (states := latency_states(results)).rows:
            print_table(states)
        print_lines(remote_lines(results.devices))
        print_lines(not_measured(results))
        print_lines(latency_notes(results))
    if results.instructions:
        print_table(instruction_table(results.instructions))
        print_lines(instruction_lines(results.instructions))
    return results


def _sustained_options(seconds: float, options: BenchOptions) -> SustainedOptions:
    """With those of bench that apply."""
    return SustainedOptions(
        seconds=seconds,
        artifact=options.artifact,
        runtime=options.runtime,
        provider=options.provider,
        threads=options.threads,
        pin=options.pin,
        cores=options.cores,
        device=options.device,
        device_python=options.device_python,
    )


def _sustained(bundle: Bundle, options: SustainedOptions, json: Path | None) -> int:
    """Call artifacts for minutes, write and show what was seen; the exit code."""
    from edgesr.benchmarks.runs.sustained import run_sustained
    from edgesr.benchmarks.sustained.table import sustained_notes, sustained_states, sustained_table
    from edgesr.benchmarks.tables.devices import remote_lines

    with shown_progress() as progress:
        results = run_sustained(bundle, options, json=json, progress=progress)
    print_table(sustained_table(results))
    print_table(sustained_states(results))
    print_lines([*remote_lines(results.devices), *sustained_notes(results)])
    if not results.complete:
        return _INTERRUPTED
    return 0 if results.passed else 1


def _photograph(bundle: Bundle, options: PhotographOptions, json: Path | None) -> int:
    """Measure a photograph from file to file, write and show it; the exit code."""
    from edgesr.benchmarks.runs.bench import run_photograph
    from edgesr.benchmarks.tables.devices import remote_lines
    from edgesr.benchmarks.tables.end_to_end import end_to_end_notes, end_to_end_states, end_to_end_table

    with shown_progress() as progress:
        results = run_photograph(bundle, options, json=json, progress=progress)
    print_table(end_to_end_table(results))
    if (states := end_to_end_states(results)).rows:
        print_table(states)
    print_lines([*remote_lines(results.devices), *end_to_end_notes(results)])
    return 0 if results.passed else 1

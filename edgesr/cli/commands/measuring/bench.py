"""The sub-command `bench`: latency of bare calls, or of a photograph from file to file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgesr.benchmarks.runs.options import BenchOptions, CompareOptions, PhotographOptions, SustainedOptions
from edgesr.cli.terminal import (
    ArtifactOption,
    BundleArgument,
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

LimitOption = Annotated[
    str, typer.Option(help="Fail when the median time of a call (p50) grew by more than this, in percent.")
]
UnlikeOption = Annotated[
    bool, typer.Option("--unlike", help="Also compare rows that were measured in different conditions.")
]

CoresOption = Annotated[
    str | None,
    typer.Option(
        "--cores",
        metavar="big|little|0-3",
        help="Run each process on these cores alone: the fastest (big), the slowest (little), or by number: 0-3, 0,2.",
    ),
]

LIMIT = f"{100 * CompareOptions.limit:g}%"
_THREADS = ",".join(map(str, BenchOptions.threads))
_MEMORY = f"{PhotographOptions.memory_bytes // 10**6}MB"
_INTERRUPTED = 130


MlperfOption = Annotated[
    bool,
    typer.Option(
        "--mlperf",
        help="Follow MLPerf's rule: at least 1024 calls and 60 s of each artifact over all rounds; p90 counts.",
    ),
]
AgainstOption = Annotated[
    Path | None,
    typer.Option(metavar="OLD.json", help="Compare with this earlier file, as 'edgesr compare' does, at the end."),
]
SustainedOption = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Instead, call each artifact for this many seconds, such as 300, to see whether heat slows it down.",
    ),
]
ImageSizeOption = Annotated[
    str | None,
    typer.Option(
        help="Instead, measure a photograph of this height x width, such as 945x1445, from file to file in tiles."
    ),
]


def bench(
    bundle: BundleArgument,
    threads: Annotated[
        str, typer.Option(help="Numbers of threads to measure with, separated by commas, such as 1,2.")
    ] = _THREADS,
    runtime: RuntimeOption = None,
    provider: ProviderOption = None,
    artifact: ArtifactOption = None,
    calls: Annotated[
        int, typer.Option(min=1, help="Smallest number of timed calls of an artifact in each round.")
    ] = BenchOptions.calls,
    seconds: Annotated[
        float, typer.Option(min=0.0, help="Shortest time of the timed calls of an artifact in each round, in seconds.")
    ] = BenchOptions.seconds,
    rounds: Annotated[
        int, typer.Option(min=1, help="Number of times that all artifacts are measured in turn, each in a new process.")
    ] = BenchOptions.rounds,
    mlperf: MlperfOption = False,
    pin: Annotated[
        bool, typer.Option("--pin", help="Run each process on as many cores as it has threads, always the same ones.")
    ] = False,
    cores: CoresOption = None,
    against: AgainstOption = None,
    limit: LimitOption = LIMIT,
    unlike: UnlikeOption = False,
    sustained: SustainedOption = None,
    image_size: ImageSizeOption = None,
    memory: Annotated[
        str, typer.Option(help="Memory that the tiles may take at one time, with --image-size.")
    ] = _MEMORY,
    device: DeviceOption = BenchOptions.device,
    device_python: DevicePythonOption = None,
    json: JsonOption = None,
) -> None:
    """Measure how long a call of every artifact takes, and its peak memory.

    Different machines are measured at the same time; devices that share this machine's CPUs are measured in turn.
    On emulated devices edgesr counts instructions instead, with one thread; the options of timing do not apply there.
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
    """Options of a sustained run, taken from those of bench that apply."""
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

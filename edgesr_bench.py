"""The sub-command `bench`: latency of bare calls, or of a photograph from file to file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr_terminal import parse_bytes, parse_size, positive_integers, print_lines, print_table, shown_progress


def bench(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle made by 'edgesr export'.")],
    threads: Annotated[str, typer.Option(help="Comma-separated thread counts.")] = "1",
    runtime: Annotated[
        str | None, typer.Option("--runtime", help="Only this runtime: ort, tflite, torchscript.")
    ] = None,
    artifact: Annotated[str | None, typer.Option("--artifact", help="Only the artifact of this id.")] = None,
    calls: Annotated[int, typer.Option(min=1, help="At least this many timed calls.")] = 20,
    seconds: Annotated[float, typer.Option(min=0.0, help="At least this many seconds of timed calls.")] = 2.0,
    rounds: Annotated[
        int, typer.Option(min=1, help="Measure all artifacts this many times in turn, against drift of the machine.")
    ] = 1,
    image_size: Annotated[
        str | None,
        typer.Option(help="Instead: upscale a photograph of this LR height x width in tiles, from file to file."),
    ] = None,
    memory: Annotated[str, typer.Option(help="What tiles may take at one time, with --image-size.")] = "256MB",
    json: Annotated[Path | None, typer.Option("--json", help="Also write the results to this file.")] = None,
) -> None:
    """Measure latency and peak memory of every artifact, a fresh process each in every round."""
    from benchmarks.device import HostDevice
    from benchmarks.end_to_end import EndToEndSettings
    from benchmarks.end_to_end_results import EndToEndResults, run_end_to_end
    from benchmarks.jobs import LatencySettings
    from benchmarks.results import LatencyResults, require_writable, run_latency, select_artifacts, write_json
    from benchmarks.tables import end_to_end_table, latency_table, not_measured
    from runtimes.bundle import open_bundle

    size = None if image_size is None else parse_size(image_size, "--image-size")
    memory_bytes, counts = parse_bytes("--memory", memory), positive_integers("--threads", threads)
    opened = open_bundle(bundle)
    require_writable(json)
    artifacts = select_artifacts(opened, artifact=artifact, runtime=runtime)
    results: LatencyResults | EndToEndResults
    with shown_progress() as progress:
        if size is not None:
            photograph = EndToEndSettings(size=size, memory_bytes=memory_bytes)
            results = run_end_to_end(
                opened, HostDevice(), artifacts=artifacts, threads=counts, settings=photograph, progress=progress
            )
            table = end_to_end_table(results)
        else:
            timing = LatencySettings(calls=calls, seconds=seconds)
            results = run_latency(
                opened,
                HostDevice(),
                artifacts=artifacts,
                threads=counts,
                settings=timing,
                rounds=rounds,
                progress=progress,
            )
            table = latency_table(results)
    write_json(results, json)
    print_table(table)
    print_lines(not_measured(results))
    raise typer.Exit(0 if results.passed else 1)

"""The sub-command `profile`: where the time of an artifact goes."""

from __future__ import annotations

from typing import Annotated

import typer

from edgesr.benchmarks.runs.options import ProfileOptions
from edgesr.cli.terminal import (
    ArtifactOption,
    BundleArgument,
    JsonOption,
    ProviderOption,
    RuntimeOption,
    print_lines,
    print_table,
    shown_progress,
)
from edgesr.runtimes.threads import MAX_THREADS


def profile(
    bundle: BundleArgument,
    runtime: RuntimeOption = None,
    provider: ProviderOption = None,
    artifact: ArtifactOption = None,
    threads: Annotated[
        int, typer.Option(min=1, max=MAX_THREADS, help="Number of threads that the runtime uses.")
    ] = ProfileOptions.threads,
    calls: Annotated[
        int, typer.Option(min=1, help="Number of calls to profile, after a first one that does not count.")
    ] = ProfileOptions.calls,
    json: JsonOption = None,
) -> None:
    """Time the operators inside every file, and list what an accelerator's delegate takes and what the CPU does."""
    from edgesr.benchmarks.runs.profile import run_profile
    from edgesr.benchmarks.tables.profiles import delegate_table, kind_table, operator_table, profile_notes
    from edgesr.benchmarks.tables.refusals import profiled_refusals
    from edgesr.runtimes.bundle.opening import open_bundle

    opened = open_bundle(bundle)
    options = ProfileOptions(artifact=artifact, runtime=runtime, provider=provider, threads=threads, calls=calls)
    with shown_progress() as progress:
        results = run_profile(opened, options, json=json, progress=progress)
    delegates = (delegate_table(opened.manifest, results), profiled_refusals(results))
    for table in (kind_table(results), operator_table(results), *delegates):
        if table.rows:
            print_table(table)
    print_lines(profile_notes(results))
    raise typer.Exit(0 if results.passed else 1)

"""The sub-command `parity`: does every artifact compute what its reference computes?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.benchmarks.runs.options import ParityOptions
from edgesr.cli.terminal import (
    ArtifactOption,
    BundleArgument,
    DeviceOption,
    DevicePythonOption,
    JsonOption,
    ProviderOption,
    RuntimeOption,
    print_lines,
    print_table,
    shown_progress,
)


def parity(
    bundle: BundleArgument,
    runtime: RuntimeOption = None,
    provider: ProviderOption = None,
    artifact: ArtifactOption = None,
    device: DeviceOption = ParityOptions.device,
    device_python: DevicePythonOption = None,
    outputs: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Run nothing; check the raw outputs that another program wrote to this folder, see 'edgesr goldens'.",
        ),
    ] = None,
    runner_name: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Name of that program in the results, such as its name and version."),
    ] = None,
    json: JsonOption = None,
) -> None:
    """Check that every file of a bundle computes what PyTorch computed at export.

    The exit code is 1 when one differs by more than its tolerance. Other devices are checked in addition to
    this host, and compared with it.
    """
    from edgesr.benchmarks.runs.parity import run_parity
    from edgesr.benchmarks.tables.devices import difference_table, remote_lines
    from edgesr.benchmarks.tables.not_measured import not_measured
    from edgesr.benchmarks.tables.parity import (
        difference_causes,
        execution_notes,
        golden_table,
        own_tolerances,
        parity_table,
    )
    from edgesr.benchmarks.tables.tiling import tiling_lines
    from edgesr.runtimes.bundle.opening import open_bundle

    opened = open_bundle(bundle)
    options = ParityOptions(
        artifact=artifact,
        runtime=runtime,
        provider=provider,
        device=device,
        device_python=device_python,
        outputs=outputs,
        runner_name=runner_name,
    )
    with shown_progress() as progress:
        results = run_parity(opened, options, json=json, progress=progress)
    print_table(golden_table(results))
    print_table(parity_table(results))
    if results.differences:
        print_table(difference_table(results))
    print_lines(remote_lines(results.devices))
    print_lines(execution_notes(results))
    print_lines(own_tolerances(results))
    print_lines(difference_causes(results))
    print_lines(tiling_lines(opened.manifest))
    print_lines(not_measured(results))
    raise typer.Exit(0 if results.passed else 1)

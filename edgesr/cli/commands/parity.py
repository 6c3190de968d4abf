"""The sub-command `parity`: does every artifact compute what PyTorch computes?"""

from __future__ import annotations

import typer

from edgesr.cli.terminal import (
    ArtifactOption,
    BundleArgument,
    DeviceOption,
    JsonOption,
    RuntimeOption,
    print_lines,
    print_table,
    shown_progress,
)


def parity(
    bundle: BundleArgument,
    runtime: RuntimeOption = None,
    artifact: ArtifactOption = None,
    device: DeviceOption = "host",
    json: JsonOption = None,
) -> None:
    """Compare every artifact with float32 PyTorch on the goldens; exit code 1 when one misses its tolerance.

    Other devices are measured beside this host, and compared with it.
    """
    from edgesr.benchmarks.devices.registry import open_devices
    from edgesr.benchmarks.parity.on_devices import run_parity
    from edgesr.benchmarks.results.rows import select_artifacts
    from edgesr.benchmarks.results.writing import require_writable, write_json
    from edgesr.benchmarks.tables.devices import difference_table
    from edgesr.benchmarks.tables.not_measured import not_measured
    from edgesr.benchmarks.tables.parity import difference_causes, golden_table, parity_table
    from edgesr.runtimes.bundle.opening import open_bundle

    opened = open_bundle(bundle)
    chosen = select_artifacts(opened, artifact=artifact, runtime=runtime)
    require_writable(json, bundle)
    devices = open_devices(f"host,{device}")
    with shown_progress() as progress:
        results = run_parity(opened, devices, artifacts=chosen, progress=progress)
    write_json(results, json)
    print_table(golden_table(results))
    print_table(parity_table(results))
    if results.differences:
        print_table(difference_table(results))
    print_lines(difference_causes(results))
    print_lines(not_measured(results))
    raise typer.Exit(0 if results.passed else 1)

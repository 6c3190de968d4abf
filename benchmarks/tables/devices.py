"""Devices, and what emulated ones compute and execute, as rows of text."""

from __future__ import annotations

from collections.abc import Sequence

from edgesr.benchmarks.devices.device import DeviceEnvironment
from edgesr.benchmarks.devices.registry import ListedDevice
from edgesr.benchmarks.latency.instruction_results import InstructionResult
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.results.rows import label
from edgesr.benchmarks.tables.table import DASH, Table
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.wording import counted


def device_table(devices: Sequence[ListedDevice]) -> Table:
    """One row a device: whether it is ready, and the command that makes it so."""
    rows = tuple(
        (one.name, one.title, "ready" if one.missing is None else "not set up", one.set_up or "") for one in devices
    )
    return Table("Devices", ("device", "what", "state", "set-up"), rows)


def remote_lines(devices: Sequence[DeviceEnvironment]) -> list[str]:
    """One line on each device that is a machine of its own: what it is, and what ran there."""
    return [
        f"{one.name}: {one.note or 'another machine'}: {one.cpu}, "
        + (f"{counted(one.cores, 'core')}, " if one.cores else "")
        + f"{one.system}; {', '.join(f'{name} {version}' for name, version in runtime_versions(one))}"
        for one in devices
        if one.kind == "remote"
    ]


def runtime_versions(device: DeviceEnvironment) -> list[tuple[str, str]]:
    """The packages of an environment that are runtimes, with their versions."""
    distributions = {runtime.distribution for runtime in RUNTIMES.values()}
    return [(name, version) for name, version in device.packages.items() if name in distributions]


def difference_table(results: ParityResults) -> Table:
    """One row an artifact and device: how its SR images differ from those of the first device."""
    base = results.differences[0].base if results.differences else "host"
    columns = ("artifact", "runtime", "device", "identical goldens", "largest difference", "of golden", "why")
    rows = tuple(
        (
            d.artifact,
            d.engine,
            d.device,
            f"{d.identical_goldens} of {d.goldens}",
            "not finite" if d.max_difference is None else f"{d.max_difference:.2g}",
            d.golden,
            d.cause or "identical",
        )
        for d in results.differences
    )
    return Table(f"Differences of devices' SR images from those of this {base}, 0..255", columns, rows)


def instruction_table(results: Sequence[InstructionResult]) -> Table:
    """One row an artifact and device, in 1e6 instructions of one call; no time follows from them."""
    columns = (
        *("artifact", "runtime", "device", "input", "total", "vs fp32", "SIMD", "load/store", "dot", "i8mm", "FMLA"),
        "spread",
    )
    return Table(
        "Millions of instructions in one call (not a time)", columns, tuple(_row(result) for result in results)
    )


def instruction_lines(results: Sequence[InstructionResult]) -> list[str]:
    """Lines that name what was not counted, and why."""
    return [f"{label(r.key)}: {r.status}: {r.reason}" for r in results if r.status != "done"]


def _row(result: InstructionResult) -> tuple[str, ...]:
    key, found = result.key, result.instructions
    head = (key.artifact, key.engine, key.device)
    if found is None:
        return (*head, *[DASH] * 8, result.status)
    kinds = (found.simd, found.load_store, found.dot_product, found.int8_matmul, found.fmla)
    return (
        *head,
        f"{found.size[0]}x{found.size[1]}",
        f"{found.total / 1e6:.1f}",
        DASH if result.ratio_to_fp32 is None else f"{result.ratio_to_fp32:.2f}",
        *(f"{count / 1e6:.1f}" for count in kinds),
        f"{found.spread:.2%}",
    )

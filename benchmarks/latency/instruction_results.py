"""Instruction counts of a bundle's artifacts on emulated devices, a fresh process each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgesr.benchmarks.devices.device import Device, on_device
from edgesr.benchmarks.devices.parallel import in_order
from edgesr.benchmarks.jobs import NoSettings
from edgesr.benchmarks.latency.instructions import INSTRUCTIONS, Instructions
from edgesr.benchmarks.results.rows import Row, label, row
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, ProgressEvent, silent


@dataclass(frozen=True, kw_only=True)
class InstructionResult(Row):
    """``instructions`` is None unless ``status`` is "done"; ``reason`` says why not.

    ``ratio_to_fp32``: total by that of the float32 artifact of the same format, graph, tile size and padding, on the
    same runtime and device; None where one of them was not counted.
    """

    instructions: Instructions | None
    ratio_to_fp32: float | None


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Results so far; ``complete`` is False after Ctrl-C."""

    results: tuple[InstructionResult, ...]
    complete: bool


def count_jobs(
    devices: Sequence[Device], artifacts: Sequence[tuple[Artifact, str]]
) -> list[tuple[Device, Artifact, str]]:
    """The counts to make on each device; raises InputError for a device that cannot count or has no build of any
    runtime, and MissingPackageError without a C compiler.
    """
    for device in devices:
        device.require_counting()
    return [(device, *pair) for device in devices for pair in on_device(device, artifacts)]


def count_on_devices(
    bundle: Bundle, jobs: Sequence[tuple[Device, Artifact, str]], *, progress: Progress = silent
) -> Counted:
    """Count jobs of (device, artifact, runtime), as many at a time as there are cores: nothing is timed."""
    found: list[InstructionResult] = []
    complete = True
    try:
        for result in in_order(lambda job: _count(bundle, *job), jobs, workers=os.cpu_count() or 1):
            progress(ProgressEvent("instructions", len(found), len(jobs), label(result.key)))
            found.append(result)
    except KeyboardInterrupt:
        complete = False
    progress(ProgressEvent("instructions", len(jobs), len(jobs)))
    return Counted(
        results=tuple(replace(one, ratio_to_fp32=_ratio_to_fp32(one, found, bundle)) for one in found),
        complete=complete,
    )


def _count(bundle: Bundle, device: Device, artifact: Artifact, runtime: str) -> InstructionResult:
    job = INSTRUCTIONS.job(NoSettings(), bundle=bundle, artifact=artifact.id, runtime=runtime)
    outcome, instructions = INSTRUCTIONS.answer(device.run(job))
    return InstructionResult(
        **row(job, device.name, outcome),
        instructions=instructions,
        ratio_to_fp32=None,
    )


def _ratio_to_fp32(result: InstructionResult, results: Sequence[InstructionResult], bundle: Bundle) -> float | None:
    artifact = bundle.artifact(result.key.artifact)
    for other in results:
        base = bundle.artifact(other.key.artifact)
        same_place = replace(other.key, artifact="") == replace(result.key, artifact="")
        if base.is_reference and same_place and base.shape_key == artifact.shape_key:
            if result.instructions is None or other.instructions is None:
                return None
            return result.instructions.total / other.instructions.total
    return None

"""Latency of a whole bundle, fresh processes for every artifact; results as versioned JSON (docs/results.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgesr.benchmarks.devices.device import Device, DeviceEnvironment, environments
from edgesr.benchmarks.latency.call import Latency
from edgesr.benchmarks.latency.instruction_results import InstructionResult
from edgesr.benchmarks.latency.rounds import Timing, measure_rounds, ratio_to_fp32
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.latency.stability import instability
from edgesr.benchmarks.machine.limits import MachineLimits, intensity_flop_per_byte
from edgesr.benchmarks.results.header import Header, header, utc_now
from edgesr.benchmarks.results.rows import Row, all_measured, require_any_ran, result_key
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, silent


@dataclass(frozen=True, kw_only=True)
class LatencyResult(Row):
    """``latency`` is None unless ``status`` is "done" in every round; ``reason`` says why not.

    ``ratio_to_fp32``: how many times longer than the float32 artifact of the same format, graph, tile size, padding,
    runtime and threads, as the median over rounds of the ratio within a round. ``gflops``: 1e9 operations a second at
    p50, two a multiply-accumulate; ``share_of_peak``: that by the sgemm limit of as many threads. None where not
    measured.
    """

    latency: Latency | None
    ratio_to_fp32: float | None
    gflops: float | None
    share_of_peak: float | None
    intensity_flop_per_byte: float | None


@dataclass(frozen=True, kw_only=True)
class LatencyResults(Header):
    """Content of ``edgesr bench --json``; ``complete`` is False where Ctrl-C left something out.

    ``results`` are of this host and of other machines, ``instructions`` of emulated devices; ``devices`` are those
    other than this host.
    """

    KIND = "latency"
    VERSION = 7
    OLDEST_VERSION = 6
    COMMAND = "edgesr bench --json"

    settings: LatencySettings
    rounds: int
    complete: bool
    limits: tuple[MachineLimits, ...]
    warnings: tuple[str, ...]
    results: tuple[LatencyResult, ...]
    devices: tuple[DeviceEnvironment, ...] = ()
    instructions: tuple[InstructionResult, ...] = ()

    @property
    def passed(self) -> bool:
        """Every artifact whose runtime is installed was measured."""
        return all_measured((*self.results, *self.instructions))


def run_latency(
    bundle: Bundle,
    device: Device,
    *,
    artifacts: Sequence[tuple[Artifact, str]],
    threads: Sequence[int],
    settings: LatencySettings,
    rounds: int = 1,
    provider: str | None = None,
    progress: Progress = silent,
) -> LatencyResults:
    """Time artifacts, each on its runtime, for every thread count, and the machine's limits, all once a round.

    Raises an EdgesrError where none of the runtimes is there.
    """
    found = time_artifacts(
        bundle,
        device,
        artifacts=artifacts,
        threads=threads,
        settings=settings,
        rounds=rounds,
        provider=provider,
        progress=progress,
    )
    require_any_ran([(row.status, row.reason) for row in found.results])
    return found


def time_artifacts(
    bundle: Bundle,
    device: Device,
    *,
    artifacts: Sequence[tuple[Artifact, str]],
    threads: Sequence[int],
    settings: LatencySettings,
    rounds: int,
    provider: str | None,
    progress: Progress,
) -> LatencyResults:
    """`run_latency` on one of several devices: rows alone say where no runtime is there."""
    measured = measure_rounds(
        device,
        bundle,
        artifacts=artifacts,
        threads=threads,
        settings=settings,
        rounds=rounds,
        provider=provider,
        progress=progress,
    )
    timings = measured.timings
    limits = tuple(replace(one, device=device.name) for one in measured.limits)
    latencies = {t.job.title: t.latency for t in timings if t.latency is not None}
    return LatencyResults(
        **header(LatencyResults, bundle),
        settings=settings,
        rounds=rounds,
        complete=measured.complete,
        limits=limits,
        warnings=instability(latencies),
        results=tuple(_latency_result(timing, timings, bundle, device, limits) for timing in timings),
        devices=environments([device]),
    )


def without_latency(bundle: Bundle, settings: LatencySettings, rounds: int) -> LatencyResults:
    """Results to be filled: nothing is timed."""
    return LatencyResults(
        **header(LatencyResults, bundle),
        settings=settings,
        rounds=rounds,
        complete=True,
        limits=(),
        warnings=(),
        results=(),
    )


def joined_results(empty: LatencyResults, parts: Sequence[LatencyResults], devices: Sequence[str]) -> LatencyResults:
    """Results of several devices in one file, in the order of these names; warnings then name their device."""
    rows = sorted((row for one in parts for row in one.results), key=lambda row: devices.index(row.key.device))
    counts = sorted((row for one in parts for row in one.instructions), key=lambda row: devices.index(row.key.device))
    limits = sorted((limit for one in parts for limit in one.limits), key=lambda limit: devices.index(limit.device))
    named = len({row.key.device for row in rows}) > 1
    return replace(
        empty,
        created_utc=utc_now(),
        complete=all(one.complete for one in parts),
        limits=tuple(limits),
        warnings=tuple(
            f"{one.results[0].key.device}: {text}" if named else text for one in parts for text in one.warnings
        ),
        results=tuple(rows),
        instructions=tuple(counts),
    )


def _latency_result(
    timing: Timing, timings: Sequence[Timing], bundle: Bundle, device: Device, limits: Sequence[MachineLimits]
) -> LatencyResult:
    artifact, latency = bundle.artifact(timing.job.artifact), timing.latency
    gflops = 2000 / latency.ms_per_gmac if latency else None
    intensity = intensity_flop_per_byte(artifact, latency.size, scale=bundle.manifest.scale) if latency else None
    peak = next((one.sgemm_gflops for one in limits if one.threads == timing.job.threads), None)
    return LatencyResult(
        key=result_key(timing.job, device.name),
        status=timing.status,
        reason=timing.reason,
        latency=latency,
        ratio_to_fp32=ratio_to_fp32(timing, timings, bundle),
        gflops=gflops,
        share_of_peak=gflops / peak if gflops and peak else None,
        intensity_flop_per_byte=intensity,
    )

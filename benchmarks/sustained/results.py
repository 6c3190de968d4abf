"""Sustained measurements of a bundle, a fresh process for each; results as versioned JSON (docs/results.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from edgesr.benchmarks.devices.device import Device, DeviceEnvironment, environments
from edgesr.benchmarks.results.header import Header, header
from edgesr.benchmarks.results.rows import Row, all_measured, require_any_ran, row
from edgesr.benchmarks.state.warnings import state_warnings
from edgesr.benchmarks.sustained.measure import SUSTAINED, Sustained
from edgesr.benchmarks.sustained.settings import SustainedSettings
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, ProgressEvent, silent


@dataclass(frozen=True, kw_only=True)
class SustainedResult(Row):
    """``sustained`` is None unless ``status`` is "done"; ``reason`` says why not."""

    sustained: Sustained | None


@dataclass(frozen=True, kw_only=True)
class SustainedResults(Header):
    """Content of ``edgesr bench --sustained --json``; ``complete`` is False where Ctrl-C left something out."""

    KIND = "sustained"
    VERSION = 1
    OLDEST_VERSION = 1
    COMMAND = "edgesr bench --sustained --json"

    settings: SustainedSettings
    complete: bool
    warnings: tuple[str, ...]
    results: tuple[SustainedResult, ...]
    devices: tuple[DeviceEnvironment, ...] = ()

    @property
    def passed(self) -> bool:
        """Every artifact whose runtime is installed was measured."""
        return all_measured(self.results)


def measure_each(
    bundle: Bundle,
    device: Device,
    *,
    artifacts: Sequence[tuple[Artifact, str]],
    threads: Sequence[int],
    settings: SustainedSettings,
    provider: str | None = None,
    progress: Progress = silent,
) -> SustainedResults:
    """Call each artifact on its runtime for as long as the settings say, for every thread count.

    Ctrl-C ends it with the results so far, and goes on where there are none.
    """
    jobs = [
        SUSTAINED.job(settings, bundle=bundle, artifact=artifact.id, runtime=runtime, threads=count, provider=provider)
        for count, (artifact, runtime) in product(threads, artifacts)
    ]
    results: list[SustainedResult] = []
    complete = True
    try:
        for done, job in enumerate(jobs):
            progress(ProgressEvent("sustained", done, len(jobs), job.title))
            outcome, measured = SUSTAINED.answer(device.run(job))
            results.append(SustainedResult(**row(job, device.name, outcome), sustained=measured))
        progress(ProgressEvent("sustained", len(jobs), len(jobs)))
    except KeyboardInterrupt:
        if not results:
            raise
        complete = False
    require_any_ran([(one.status, one.reason) for one in results])
    states = {job.title: one.sustained.state for job, one in zip(jobs, results, strict=False) if one.sustained}
    return SustainedResults(
        **header(SustainedResults, bundle),
        settings=settings,
        complete=complete,
        warnings=tuple(state_warnings(states)),
        results=tuple(results),
        devices=environments([device]),
    )

"""Measure a photograph from file to file with a bundle's tile artifacts, a fresh process each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from edgesr.benchmarks.devices.device import Device, DeviceEnvironment, environments
from edgesr.benchmarks.latency.end_to_end import END_TO_END, EndToEnd
from edgesr.benchmarks.latency.settings import EndToEndSettings
from edgesr.benchmarks.results.header import Header, header, utc_now
from edgesr.benchmarks.results.rows import Row, all_measured, require_any_ran, row
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import Progress, ProgressEvent, silent


@dataclass(frozen=True, kw_only=True)
class EndToEndResult(Row):
    """``end_to_end`` is None unless ``status`` is "done"; ``reason`` says why not."""

    end_to_end: EndToEnd | None


@dataclass(frozen=True, kw_only=True)
class EndToEndResults(Header):
    """Content of ``edgesr bench --image-size --json``; ``devices`` are those other than this host."""

    KIND = "end-to-end"
    VERSION = 8
    OLDEST_VERSION = 6
    COMMAND = "edgesr bench --image-size --json"

    settings: EndToEndSettings
    results: tuple[EndToEndResult, ...]
    devices: tuple[DeviceEnvironment, ...] = ()

    @property
    def passed(self) -> bool:
        """Every artifact whose runtime is installed was measured."""
        return all_measured(self.results)


def run_end_to_end(
    bundle: Bundle,
    device: Device,
    *,
    artifacts: Sequence[tuple[Artifact, str]],
    threads: Sequence[int],
    settings: EndToEndSettings,
    provider: str | None = None,
    progress: Progress = silent,
) -> EndToEndResults:
    """Upscale a photograph from file to file with tile artifacts, each on its runtime, for every thread count."""
    tiled = [(a, r) for a, r in artifacts if a.graph == "tile" and not a.inside_only]
    if not tiled:
        raise InputError(f"{bundle.root}: no tile graph among the artifacts to measure; export with --graph tile")
    results = []
    for done, (count, (artifact, runtime)) in enumerate(product(threads, tiled)):
        progress(ProgressEvent("photograph", done, len(threads) * len(tiled), artifact.id))
        job = END_TO_END.job(
            settings, bundle=bundle, artifact=artifact.id, runtime=runtime, threads=count, provider=provider
        )
        outcome, measured = END_TO_END.answer(device.run(job))
        results.append(EndToEndResult(**row(job, device.name, outcome), end_to_end=measured))
    return EndToEndResults(
        **header(EndToEndResults, bundle),
        settings=settings,
        results=tuple(results),
        devices=environments([device]),
    )


def joined_photographs(parts: Sequence[EndToEndResults], devices: Sequence[Device]) -> EndToEndResults:
    """Results of several devices in one file, in the order of the devices; raises an EdgesrError where no runtime is
    there.
    """
    names = [device.name for device in devices]
    rows = sorted((row for one in parts for row in one.results), key=lambda row: names.index(row.key.device))
    require_any_ran([(row.status, row.reason) for row in rows])
    return replace(parts[0], created_utc=utc_now(), results=tuple(rows), devices=environments(devices))

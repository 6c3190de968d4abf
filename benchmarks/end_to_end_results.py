"""Measure a photograph from file to file with a bundle's tile artifacts, a fresh process each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from benchmarks.device import Device
from benchmarks.end_to_end import EndToEnd, EndToEndSettings
from benchmarks.environment import Environment, current_environment
from benchmarks.jobs import Job, JobStatus
from benchmarks.results import (
    SCHEMA_VERSION,
    BundleIdentity,
    Key,
    bundle_identity,
    require_any_ran,
    result_key,
    utc_now,
)
from runtimes.bundle import Bundle
from runtimes.decoding import decode
from runtimes.errors import InputError
from runtimes.manifest import Artifact
from runtimes.progress import Progress, ProgressEvent, silent


@dataclass(frozen=True, kw_only=True)
class EndToEndResult:
    """``end_to_end`` is None unless ``status`` is "done"; ``reason`` says why not."""

    key: Key
    status: JobStatus
    reason: str | None
    end_to_end: EndToEnd | None


@dataclass(frozen=True, kw_only=True)
class EndToEndResults:
    """Content of ``edgesr bench --image-size --json``."""

    schema_version: int
    kind: Literal["end-to-end"]
    created_utc: str
    bundle: BundleIdentity
    environment: Environment
    settings: EndToEndSettings
    results: tuple[EndToEndResult, ...]

    @property
    def passed(self) -> bool:
        """Every artifact whose runtime is installed was measured."""
        return all(r.status in ("done", "missing") for r in self.results)


def run_end_to_end(
    bundle: Bundle,
    device: Device,
    *,
    artifacts: Sequence[tuple[Artifact, str]],
    threads: Sequence[int],
    settings: EndToEndSettings,
    progress: Progress = silent,
) -> EndToEndResults:
    """Upscale a photograph from file to file with tile artifacts, each on its runtime, for every thread count."""
    tiled = [(a, r) for a, r in artifacts if a.graph == "tile" and not a.inside_only]
    if not tiled:
        raise InputError(f"{bundle.root}: no tile graph among the artifacts to measure; export with --graph tile")
    results = []
    for done, (count, (artifact, runtime)) in enumerate(product(threads, tiled)):
        progress(ProgressEvent("photograph", done, len(threads) * len(tiled), artifact.id))
        job = Job(
            kind="end-to-end",
            bundle=str(bundle.root),
            artifact=artifact.id,
            runtime=runtime,
            threads=count,
            end_to_end=settings,
        )
        outcome = device.run(job)
        measured = decode(EndToEnd, outcome.result) if outcome.result is not None else None
        results.append(
            EndToEndResult(
                key=result_key(job, device), status=outcome.status, reason=outcome.reason, end_to_end=measured
            )
        )
    require_any_ran([(r.status, r.reason) for r in results])
    return EndToEndResults(
        schema_version=SCHEMA_VERSION,
        kind="end-to-end",
        created_utc=utc_now(),
        bundle=bundle_identity(bundle),
        environment=current_environment(),
        settings=settings,
        results=tuple(results),
    )

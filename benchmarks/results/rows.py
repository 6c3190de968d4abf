"""Rows of result files: what each is about, how its job ended, which artifacts are measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from edgesr.benchmarks.jobs import HOST, NOT_HERE, OUTSIDE, Job, JobStatus, Outcome, engine_title
from edgesr.runtimes.adapters.registry import runtime_info, with_provider
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.wording import counted


@dataclass(frozen=True, kw_only=True)
class Key:
    """The key of a result: no two results of one file share a key."""

    artifact: str
    runtime: str
    threads: int
    device: str
    provider: str | None = None

    @property
    def engine(self) -> str:
        """The runtime, with the execution provider that was asked for."""
        return engine_title(self.runtime, self.provider)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A result of one job; what was measured is None unless ``status`` is "done", and ``reason`` says why not."""

    key: Key
    status: JobStatus
    reason: str | None


def all_measured(rows: Iterable[Row]) -> bool:
    """Every artifact was measured whose runtime is installed and runs here."""
    return all(row.status in ("done", *NOT_HERE) for row in rows)


def select_artifacts(
    bundle: Bundle, *, artifact: str | None = None, runtime: str | None = None, provider: str | None = None
) -> list[tuple[Artifact, str]]:
    """Artifacts of a bundle with the runtimes to measure them on: all, or those that were asked for.

    With an execution ``provider``, only runtimes that have any; raises an InputError where an installed one lacks it.
    """
    chosen = [bundle.artifact(artifact)] if artifact else list(bundle.manifest.artifacts)
    if runtime is not None:
        runtime_info(runtime)
    pairs = [(a, r) for a in chosen for r in a.runtimes if runtime in (None, r)]
    if not pairs:
        known = ", ".join(sorted({name for one in chosen for name in one.runtimes})) or "none"
        raise InputError(
            f"{bundle.root}: nothing to measure on runtime {runtime!r}: {artifact or 'the bundle'} runs in {known}"
        )
    return pairs if provider is None else with_provider(pairs, provider)


def label(key: Key) -> str:
    """An artifact, with its device unless that is this host, or not known."""
    return key.artifact if key.device in (HOST, OUTSIDE) else f"{key.artifact} on {key.device}"


def distinct_label(key: Key, keys: Iterable[Key]) -> str:
    """`label`, with the runtime where another of ``keys`` has that label too, or a provider was asked for."""
    name = label(key)
    shared = sum(label(other) == name for other in keys) > 1
    return f"{name} ({key.engine})" if shared or key.provider is not None else name


def label_with_threads(key: Key, keys: Iterable[Key]) -> str:
    """`distinct_label` and the threads, for results at several thread counts."""
    return f"{distinct_label(key, keys)}, {counted(key.threads, 'thread')}"


def result_key(job: Job, device: str) -> Key:
    """The key of the result of a job on the device of that name."""
    return Key(artifact=job.artifact, runtime=job.runtime, threads=job.threads, device=device, provider=job.provider)


def row(job: Job, device: str, outcome: Outcome) -> dict[str, Any]:
    """The fields of `Row`."""
    return {"key": result_key(job, device), "status": outcome.status, "reason": outcome.reason}


def require_any_ran(outcomes: list[tuple[JobStatus, str | None]]) -> None:
    """Raise an EdgesrError when no runtime at all was installed, or runs here."""
    if all(status in NOT_HERE for status, _ in outcomes):
        raise EdgesrError(f"no runtime of this bundle runs here: {outcomes[0][1]}")

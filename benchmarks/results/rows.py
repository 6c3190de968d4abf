"""What all result files share: schema version, keys, the bundle that was measured, how they are written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.jobs import Job, JobStatus, Outcome
from edgesr.benchmarks.machine.environment import Environment, current_environment
from edgesr.runtimes.adapters.registry import runtime_info
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle, is_bundle, open_bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.files import is_stream, write_output
from edgesr.runtimes.json_records import to_json

SCHEMA_VERSION = 7
OLDEST_SCHEMA_VERSION = 6
"""That of edgesr 0.1.0."""
HOST = "host"
"""The name of this machine among devices."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a result is about: no two results of one file share a key."""

    artifact: str
    runtime: str
    threads: int
    device: str


@dataclass(frozen=True, kw_only=True)
class BundleIdentity:
    """The bundle that was measured: the SHA-256 of its manifest, its generator and checkpoint."""

    manifest_sha256: str
    generator: str
    checkpoint_sha256: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A result of one job; what was measured is None unless ``status`` is "done", and ``reason`` says why not."""

    key: Key
    status: JobStatus
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Header:
    """How every results file of a bundle begins."""

    schema_version: int
    created_utc: str
    bundle: BundleIdentity
    environment: Environment


def header(bundle: Bundle) -> dict[str, Any]:
    """The fields of `Header`, of now and here."""
    return {
        "schema_version": SCHEMA_VERSION,
        "created_utc": utc_now(),
        "bundle": bundle_identity(bundle),
        "environment": current_environment(),
    }


def all_measured(rows: Iterable[Row]) -> bool:
    """Every artifact whose runtime is installed was measured."""
    return all(row.status in ("done", "missing") for row in rows)


def select_artifacts(
    bundle: Bundle, *, artifact: str | None = None, runtime: str | None = None
) -> list[tuple[Artifact, str]]:
    """Artifacts of a bundle with the runtimes to measure them on: all, or those that were asked for."""
    chosen = [bundle.artifact(artifact)] if artifact else list(bundle.manifest.artifacts)
    if runtime is not None:
        runtime_info(runtime)
    pairs = [(a, r) for a in chosen for r in a.runtimes if runtime in (None, r)]
    if not pairs:
        known = ", ".join(sorted({name for one in chosen for name in one.runtimes})) or "none"
        raise InputError(f"{bundle.root}: nothing to measure on runtime {runtime!r}: {artifact or 'it'} has {known}")
    return pairs


def label(key: Key) -> str:
    """An artifact, with its device unless that is this host."""
    return key.artifact if key.device == HOST else f"{key.artifact} on {key.device}"


def result_key(job: Job, device: Device) -> Key:
    """What a job's result is about."""
    return Key(artifact=job.artifact, runtime=job.runtime, threads=job.threads, device=device.name)


def row(job: Job, device: Device, outcome: Outcome) -> dict[str, Any]:
    """The fields of `Row`."""
    return {"key": result_key(job, device), "status": outcome.status, "reason": outcome.reason}


def require_any_ran(outcomes: list[tuple[JobStatus, str | None]]) -> None:
    """An EdgesrError when no runtime at all was installed."""
    if all(status == "missing" for status, _ in outcomes):
        raise EdgesrError(f"no runtime of this bundle is installed: {outcomes[0][1]}")


def bundle_identity(bundle: Bundle) -> BundleIdentity:
    """Which bundle was measured."""
    return BundleIdentity(
        manifest_sha256=hashlib.sha256((bundle.root / MANIFEST_FILE).read_bytes()).hexdigest(),
        generator=str(bundle.manifest.generator.get("name", "unknown")),
        checkpoint_sha256=bundle.manifest.checkpoint.sha256,
    )


def utc_now() -> str:
    """ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def require_writable(path: Path | None, *inputs: Path | None) -> None:
    """Refuse a file that could not be written, or is one of the ``inputs`` (files, or bundles with all their files),
    before anything is measured.
    """
    if path is None or is_stream(path):
        return
    target = Path(os.path.realpath(path))
    irregular = target.exists() and not target.is_file()
    if irregular or not target.parent.is_dir() or not os.access(target.parent, os.W_OK):
        raise InputError(f"{path}: cannot be written; its folder must exist and be writable")
    if path.exists() and any(path.samefile(file) for one in inputs if one is not None for file in _files(one)):
        raise InputError(f"{path}: is read by this command, and would be replaced; give another name to write to")


def _files(given: Path) -> list[Path]:
    """A file itself, or the files of a bundle."""
    if not is_bundle(given):
        return [given] if given.is_file() else []
    return [given / MANIFEST_FILE, *(given / entry.path for entry in open_bundle(given).manifest.files())]


def write_json(results: object, path: Path | None) -> None:
    """Write the dataclass of a results file as JSON, whole or not at all, or into a stream; nothing without a path."""
    if path is not None:
        write_output(path, to_json(results).encode())

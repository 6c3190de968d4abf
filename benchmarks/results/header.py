"""The header of result files: kind, schema version, time, the bundle that was measured, and where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from edgesr.benchmarks.machine.environment import Environment, current_environment
from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle
from edgesr.runtimes.files import sha256_of


@dataclass(frozen=True, kw_only=True)
class ResultFile:
    """A kind of result file declares its name, the schema version that is written, the oldest that is read, and the
    command that makes it. Versions of one kind change without the others.
    """

    KIND: ClassVar[str]
    VERSION: ClassVar[int]
    OLDEST_VERSION: ClassVar[int]
    COMMAND: ClassVar[str]


@dataclass(frozen=True, kw_only=True)
class BundleIdentity:
    """The bundle that was measured: the SHA-256 of its manifest, its generator and checkpoint."""

    manifest_sha256: str
    generator: str
    checkpoint_sha256: str


@dataclass(frozen=True, kw_only=True)
class Header(ResultFile):
    """The header that every results file of a bundle has."""

    schema_version: int
    created_utc: str
    bundle: BundleIdentity
    environment: Environment
    kind: str


def header(cls: type[Header], bundle: Bundle) -> dict[str, Any]:
    """The fields of `Header` for results of that kind, of now and here."""
    return {
        "schema_version": cls.VERSION,
        "created_utc": utc_now(),
        "bundle": bundle_identity(bundle),
        "environment": current_environment(),
        "kind": cls.KIND,
    }


def bundle_identity(bundle: Bundle) -> BundleIdentity:
    """The identity of the bundle that was measured, as it was when it was opened."""
    return BundleIdentity(
        manifest_sha256=bundle.manifest_sha256 or sha256_of(bundle.root / MANIFEST_FILE),
        generator=str(bundle.manifest.generator.get("name", "unknown")),
        checkpoint_sha256=bundle.manifest.checkpoint.sha256,
    )


def utc_now() -> str:
    """ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")

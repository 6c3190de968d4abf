"""How every result file of a bundle begins: schema version, time, the bundle that was measured, where."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from edgesr.benchmarks.machine.environment import Environment, current_environment
from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle

SCHEMA_VERSION = 7


OLDEST_SCHEMA_VERSION = 6
"""That of edgesr 0.1.0."""


@dataclass(frozen=True, kw_only=True)
class BundleIdentity:
    """The bundle that was measured: the SHA-256 of its manifest, its generator and checkpoint."""

    manifest_sha256: str
    generator: str
    checkpoint_sha256: str


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

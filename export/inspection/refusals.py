"""Lists of what delegates would refuse of the artifacts of a bundle."""

from __future__ import annotations

from edgesr.benchmarks.tables.refusals import refusal_table
from edgesr.benchmarks.tables.table import Table
from edgesr.runtimes.adapters.registry import RUNTIMES, is_usable
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.delegates.rules import Refusals


def bundle_refusals(bundle: Bundle) -> Table:
    """Rows of all artifacts whose runtime has such delegates, where its package is installed to read them."""
    found: list[tuple[str, tuple[Refusals, ...]]] = []
    for artifact in bundle.manifest.artifacts:
        for runtime in (RUNTIMES[name] for name in artifact.runtimes if is_usable(name)):
            if runtime.refusals is not None:
                found.append((artifact.id, runtime.refusals(bundle.model_path(artifact))))
    return refusal_table(found)

"""Questions to the process that runs coremltools, and its answers."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.export.coreml.structure import Structure
from edgesr.runtimes.bundle.manifest import GraphKind, Size

PACKAGE = "model.mlpackage"
REPORT = "report.json"


@dataclass(frozen=True, kw_only=True)
class Task:
    """``source`` is a checkpoint, of which one graph is converted for LR images of ``size``; without a graph, it is a
    float32 package, which is converted to float16.
    """

    source: str
    graph: GraphKind | None
    size: Size | None
    zero_padded: bool


@dataclass(frozen=True, kw_only=True)
class Report:
    """The structure of the package that was written, and that which it must have by its source."""

    found: Structure
    expected: Structure

"""The job of the process that finds out what a delegate takes of a file."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.runtimes.bundle.manifest import GraphKind, Precision


@dataclass(frozen=True, kw_only=True)
class DelegateJob:
    """A float32 ONNX graph and the TFLite file that was made of it."""

    onnx_file: str
    file: str
    graph: GraphKind
    precision: Precision

"""The job of the process that finds out what a delegate takes of a file."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.runtimes.bundle.manifest import GraphKind


@dataclass(frozen=True, kw_only=True)
class DelegateJob:
    """A float32 ONNX graph and the TFLite file that was made of it.

    ``wide_file``: the ONNX tile graph whose convolutions have 16-bit activations in it, None where none has.
    """

    onnx_file: str
    file: str
    graph: GraphKind
    wide_file: str | None

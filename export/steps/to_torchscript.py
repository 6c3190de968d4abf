"""A checkpoint -> a TorchScript Lite file of one graph, of any height and width."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.loading import TRACE_SIZE, load_traceable
from edgesr.runtimes.bundle.manifest import GraphKind


def convert(folder: Path, checkpoint: Path, graph: GraphKind, *, zero_padded: bool) -> None:
    """Write ``model.ptl``; ``zero_padded``: with zero padding in place of the generator's own."""
    from edgesr.export.conversions.to_torchscript import export_torchscript

    generator = load_traceable(checkpoint, zero_padded=zero_padded)
    export_torchscript(generator, graph, folder / "model.ptl", size=TRACE_SIZE)

"""A checkpoint -> a float32 ONNX file of one graph, of any height and width."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.loading import TRACE_SIZE, load_generator
from edgesr.export.steps.proof import proof_tiles
from edgesr.runtimes.bundle.manifest import GraphKind


def convert(folder: Path, checkpoint: Path, graph: GraphKind, *, zero_padded: bool) -> None:
    """Write ``model.onnx``; ``zero_padded``: with zero padding in place of the generator's own."""
    from edgesr.export.conversions.to_onnx import export_onnx

    generator = load_generator(checkpoint, zero_padded=zero_padded)
    export_onnx(generator, graph, folder / "model.onnx", size=TRACE_SIZE, tiles=proof_tiles())

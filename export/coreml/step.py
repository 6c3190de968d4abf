"""A checkpoint -> the Core ML package of one graph, of a fixed LR size; its float32 package -> one of float16."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.bundle.manifest import GraphKind, Size


def convert(folder: Path, checkpoint: Path, graph: GraphKind, tile_size: Size, *, zero_padded: bool) -> None:
    """Write ``model.mlpackage``; ``zero_padded``: with zero padding in place of the generator's own."""
    from edgesr.export.coreml.conversion import export_coreml

    export_coreml(folder, checkpoint, graph, tile_size, zero_padded=zero_padded)


def rewrite(folder: Path, _rewriting: Rewriting, source: Path, _graph: GraphKind) -> None:
    """Write ``model.mlpackage`` with float16 weights and arithmetic; its input and output stay float32."""
    from edgesr.export.coreml.conversion import in_float16

    in_float16(folder, source.parent)

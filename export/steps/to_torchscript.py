"""A checkpoint -> a TorchScript Lite file of one graph, of any height and width."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.loading import load_generator, load_traceable
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.bundle.manifest import GraphKind


def convert(folder: Path, checkpoint: Path, graph: GraphKind, *, zero_padded: bool) -> None:
    """Write ``model.ptl``; ``zero_padded``: with zero padding in place of the generator's own."""
    from edgesr.export.conversions.full_and_tile import build_graph
    from edgesr.export.conversions.to_torchscript import export_torchscript

    generator = load_generator(checkpoint, zero_padded=zero_padded)
    traceable = load_traceable(checkpoint, zero_padded=zero_padded)
    export_torchscript(
        build_graph(traceable, graph),
        folder / "model.ptl",
        proof=proof_of(
            build_graph(generator, graph),
            minimum_side=generator.config.minimum_side,
            colour=generator.config.colour,
        ),
    )

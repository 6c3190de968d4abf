"""A checkpoint -> the ncnn files of one graph, of any height and width."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.loading import load_generator, load_traceable
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.bundle.manifest import GraphKind


def convert(folder: Path, checkpoint: Path, graph: GraphKind, *, zero_padded: bool) -> None:
    """Write ``model.param`` and ``model.bin``; ``zero_padded``: with zero padding in place of the generator's own."""
    from edgesr.export.conversions.full_and_tile import build_graph
    from edgesr.export.ncnn.conversion import export_ncnn

    generator = load_generator(checkpoint, zero_padded=zero_padded)
    traceable = load_traceable(checkpoint, zero_padded=zero_padded)
    proof = proof_of(
        build_graph(generator, graph), minimum_side=generator.config.minimum_side, colour=generator.config.colour
    )
    export_ncnn(build_graph(traceable, graph), folder, proof=proof)

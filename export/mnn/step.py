"""A float32 ONNX file of one graph -> the float32 MNN file, of any height and width."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.loading import load_generator
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.bundle.contract import next_multiple
from edgesr.runtimes.bundle.manifest import GraphKind

_FIRST_SIDE = 48
"""Of the image that every session runs first: large enough that MNN chooses what it does for larger ones, too."""


def convert(folder: Path, checkpoint: Path, onnx_file: Path, graph: GraphKind, *, zero_padded: bool) -> None:
    """Write ``model.mnn``, proven equal to the generator of the checkpoint that the ONNX file was made of."""
    from edgesr.export.conversions.full_and_tile import build_graph
    from edgesr.export.mnn.conversion import export_mnn

    generator = load_generator(checkpoint, zero_padded=zero_padded)
    config = generator.config
    side = next_multiple(max(_FIRST_SIDE, config.minimum_side), config.multiple)
    proof = proof_of(build_graph(generator, graph), minimum_side=config.minimum_side, colour=config.colour)
    export_mnn(onnx_file, folder / "model.mnn", proof=proof, first=(side, side))

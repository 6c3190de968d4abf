"""A checkpoint -> the ExecuTorch file of one graph, of sizes within bounds."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.loading import load_generator
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.bundle.manifest import GraphKind, Size
from edgesr.runtimes.glue.colour import network_image


def convert(folder: Path, checkpoint: Path, graph: GraphKind, tile_size: Size, *, zero_padded: bool) -> None:
    """Write ``model.pte``, which takes images of ``tile_size`` among others.

    ``zero_padded``: with zero padding in place of the generator's own.
    """
    from edgesr.export.calibration.photographs import photograph
    from edgesr.export.conversions.full_and_tile import build_graph
    from edgesr.export.executorch.conversion import Wanted, export_executorch
    from edgesr.sr_model.generators.generator import Generator, with_exportable_median

    generator = load_generator(checkpoint, zero_padded=zero_padded)
    config = generator.config
    proof = proof_of(build_graph(generator, graph), minimum_side=config.minimum_side, colour=config.colour)
    exportable = with_exportable_median(generator) if isinstance(generator, Generator) else generator
    wanted = Wanted(
        least_side=config.minimum_side,
        tile_size=tile_size,
        image_of=lambda size: network_image(photograph("cat", size), config.colour),
    )
    export_executorch(build_graph(exportable, graph), folder, proof=proof, wanted=wanted)

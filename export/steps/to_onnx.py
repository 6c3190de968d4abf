"""A checkpoint -> a float32 ONNX file of one graph, of any height and width."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.conversions.graph_names import OUTPUT_NAMES
from edgesr.export.steps.loading import load_generator
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.bundle.manifest import GraphKind


def convert(folder: Path, checkpoint: Path, graph: GraphKind, *, zero_padded: bool) -> None:
    """Write ``model.onnx``; ``zero_padded``: with zero padding in place of the generator's own."""
    from edgesr.export.conversions.full_and_tile import build_graph
    from edgesr.export.conversions.to_onnx import export_onnx, simplify_wrapped
    from edgesr.sr_model.generators.foreign.program import ForeignGenerator
    from edgesr.sr_model.generators.generator import Generator, with_exportable_median
    from edgesr.sr_model.generators.onnx_source.picture import OnnxPicture

    generator = load_generator(checkpoint, zero_padded=zero_padded)
    config = generator.config
    proof = proof_of(build_graph(generator, graph), minimum_side=config.minimum_side, colour=config.colour)
    if isinstance(generator, ForeignGenerator) and isinstance(generator.picture, OnnxPicture):
        simplify_wrapped(generator.picture.model, folder / "model.onnx", graph=graph, proof=proof)
        return
    exportable = with_exportable_median(generator) if isinstance(generator, Generator) else generator
    module = build_graph(exportable, graph)
    export_onnx(module, folder / "model.onnx", output_name=OUTPUT_NAMES[graph], proof=proof)

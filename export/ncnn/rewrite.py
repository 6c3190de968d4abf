"""Float32 ncnn files -> those of lower precision."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.bundle.manifest import GraphKind

_FILE = "model.param"


def rewrite(folder: Path, rewriting: Rewriting, source: Path, _graph: GraphKind) -> None:
    """Write ``model.param`` and ``model.bin`` from the float32 files, of a tile graph or of a full one around it."""
    import onnx

    from edgesr.export.ncnn.weights_file import write_model
    from edgesr.export.quantization.precisions import PRECISIONS
    from edgesr.export.records import write_float_layers

    change = PRECISIONS[rewriting.precision].rewrite_ncnn
    assert change is not None
    found = change(source, onnx.load(rewriting.tile_file), rewriting.calibrated_for_tile_file())
    write_model(folder / _FILE, found.model)
    write_float_layers(folder, found.float_layers, mac_share=found.mac_share)

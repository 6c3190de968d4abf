"""Float32 ncnn files -> those of lower precision. Imports no ONNX: a rewrite loads its tools when it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgesr.export.records import write_float_layers
from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.bundle.manifest import GraphKind, Precision

if TYPE_CHECKING:
    from edgesr.export.ncnn.weights_file import Rewritten

_FILE = "model.param"


def rewrite(folder: Path, rewriting: Rewriting, source: Path, _graph: GraphKind) -> None:
    """Write ``model.param`` and ``model.bin`` from the float32 files, of a tile graph or of a full one around it."""
    from edgesr.export.ncnn.weights_file import write_model

    found = REWRITES[rewriting.precision](source, rewriting)
    write_model(folder / _FILE, found.model)
    write_float_layers(folder, found.float_layers)


def _half_weights(source: Path, _rewriting: Rewriting) -> Rewritten:
    from edgesr.export.ncnn.half import with_half_weights
    from edgesr.export.ncnn.weights_file import Rewritten, read_model

    return Rewritten(with_half_weights(read_model(source)))


def _same_weights(source: Path, _rewriting: Rewriting) -> Rewritten:
    """ncnn rounds to bfloat16 what it loads and computes by itself."""
    from edgesr.export.ncnn.weights_file import Rewritten, read_model

    return Rewritten(read_model(source))


def _int8(source: Path, rewriting: Rewriting) -> Rewritten:
    import onnx

    from edgesr.export.ncnn.int8 import quantize

    plan = rewriting.calibrated_for_tile_file().require_plan()
    return quantize(source, onnx.load(rewriting.tile_file), plan, rewriting.size)


REWRITES: Mapping[Precision, Callable[[Path, Rewriting], Rewritten]] = {
    "fp16": _half_weights,
    "fp16a": _half_weights,
    "bf16": _same_weights,
    "int8": _int8,
}
"""What makes a model of a precision from the float32 .param file."""

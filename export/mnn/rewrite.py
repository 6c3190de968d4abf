"""Float32 MNN files -> those of lower precision: weights alone, all arithmetic stays in float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.bundle.manifest import GraphKind, Precision


def rewrite(folder: Path, rewriting: Rewriting, source: Path, _graph: GraphKind) -> None:
    """Write ``model.mnn`` from the float32 file of a tile graph, or of a full one around it."""
    REWRITES[rewriting.precision](source, folder / "model.mnn")


def _half_weights(source: Path, file: Path) -> None:
    from edgesr.export.mnn.conversion import convert_weights
    from edgesr.export.mnn.weights import on_half_grid

    convert_weights(on_half_grid(source), file, "--fp16")


def _8bit_weights(source: Path, file: Path) -> None:
    from edgesr.export.mnn.conversion import convert_weights
    from edgesr.export.mnn.weights import on_8bit_grid

    convert_weights(on_8bit_grid(source), file, "--weightQuantBits", "8", "--weightQuantAsymmetric", "0")


REWRITES: Mapping[Precision, Callable[[Path, Path], None]] = {"fp16": _half_weights, "w8": _8bit_weights}
"""What makes a file of a precision from the float32 one."""

"""Float32 MNN files -> those of lower precision: weights alone, all arithmetic stays in float32."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.bundle.manifest import GraphKind, Precision

OPTIONS: Mapping[Precision, tuple[str, ...]] = {"fp16": ("--fp16",), "w8": ("--weightQuantBits", "8")}
"""Those of the converter for a precision."""


def rewrite(folder: Path, rewriting: Rewriting, source: Path, _graph: GraphKind) -> None:
    """Write ``model.mnn`` from the float32 file of a tile graph, or of a full one around it."""
    from edgesr.export.mnn.conversion import convert_weights

    convert_weights(source, folder / "model.mnn", *OPTIONS[rewriting.precision])

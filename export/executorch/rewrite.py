"""The program of a float32 ExecuTorch file -> the int8 file."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.bundle.manifest import GraphKind, Precision

REWRITTEN: tuple[Precision, ...] = ("int8",)


def rewrite(folder: Path, rewriting: Rewriting, source: Path, _graph: GraphKind) -> None:
    """Write ``model.pte`` from the program next to the float32 file, of a tile graph or of a full one around it."""
    from edgesr.export.executorch.int8 import quantize_file

    quantize_file(folder, source, rewriting)

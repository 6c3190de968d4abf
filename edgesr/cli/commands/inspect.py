"""The sub-command `inspect`: what a checkpoint, a model file or a bundle contains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.terminal import print_table


def inspect(path: Annotated[Path, typer.Argument(help="A checkpoint, a model file or a bundle.")]) -> None:
    """Tell what a checkpoint, an ONNX or TFLite file, or a bundle contains."""
    import edgesr

    for table in edgesr.inspect(path):
        print_table(table)

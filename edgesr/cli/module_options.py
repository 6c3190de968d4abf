"""Options on a network of the user's own, which `export` and `inspect` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.completion import colours, delegates, golden_forms, one_of

ModuleOption = Annotated[
    str | None,
    typer.Option(metavar="FILE.py:NAME", help="Function of yours that gives a torch.nn.Module; its code is run."),
]
OnnxOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Existing ONNX file of a network to export, its own reference.")
]
CheckpointOption = Annotated[
    Path | None,
    typer.Option(help="Checkpoint to export: ours, published, or one that spandrel knows; or weights of --module."),
]
ModuleCheckpointOption = Annotated[Path | None, typer.Option(help="Weights of --module.")]
PeakOption = Annotated[
    int | None,
    typer.Option(help="Largest value of your network's images: 1, which is taken without, or 255."),
]
MultipleOption = Annotated[
    int | None,
    typer.Option(help="Sides that your network takes are multiples of this; found without."),
]
ColourOption = Annotated[
    str | None,
    typer.Option(
        help="Channels of your network's images: rgb; of one, luma (16 to 235, taken without) or grey (0 to 255).",
        autocompletion=one_of(colours),
    ),
]
AllowInexactTilesOption = Annotated[
    bool,
    typer.Option("--allow-inexact-tiles", help="Tile graphs although tiles differ from whole pictures; told in full."),
]
CacheDirOption = Annotated[Path | None, typer.Option(help="Cache folder instead of the user's.")]
GoldensOption = Annotated[
    str | None,
    typer.Option(
        help="Goldens in another form, too, for runners of others: {golden_forms} tensors.",
        autocompletion=one_of(golden_forms),
    ),
]
DelegateOption = Annotated[
    str | None,
    typer.Option(
        help="Rewrite TFLite files into operators that a delegate takes: {delegates}.",
        autocompletion=one_of(delegates),
    ),
]

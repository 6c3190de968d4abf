"""Options of `train`; `pack` shares those on its inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PhotographsArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of high-resolution photographs.")]
ValidationOption = Annotated[
    Path | None, typer.Option(help="Folder of high-resolution images to measure quality on during training.")
]
UnpairedOption = Annotated[
    Path | None, typer.Option(help="Folder of real low-resolution images for the cycle of the GAN phase.")
]
PerceptualWeightsOption = Annotated[
    Path | None,
    typer.Option(help="Weights (state dict) of VGG16 or VGG19 to use instead of those of stlpips-pytorch."),
]


TeacherOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Weights of a network to learn from: the L1 phase learns from its pictures (mean of eight flips and "
        "turns) next to the photographs. May be given several times; the mean counts.",
    ),
]

OutputOption = Annotated[
    Path, typer.Option(help="Folder to write weights, state and curves to; the same command continues there.")
]
MinutesOption = Annotated[
    float | None,
    typer.Option(help="Train for this many minutes instead of a number of updates; for runs of one phase alone."),
]
StartOption = Annotated[Path | None, typer.Option(help="Weights to start from; random ones unless given.")]

"""The sub-command `pack`: a training for a machine with an accelerator and without a package index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.terminal import print_lines, shown_progress


def pack(
    photographs: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of high-resolution photographs.")],
    *,
    output: Annotated[Path, typer.Option(help="The new folder; its content may be at most 55 MB.")],
    validation: Annotated[
        Path | None, typer.Option(help="Folder of high-resolution images to measure quality on during training.")
    ] = None,
    unpaired: Annotated[
        Path | None, typer.Option(help="Folder of real low-resolution images for the cycle of the GAN phase.")
    ] = None,
    perceptual_weights: Annotated[
        Path | None,
        typer.Option(help="Weights (state dict) of VGG16 or VGG19 to use instead of those of stlpips-pytorch."),
    ] = None,
) -> None:
    """Write a folder that trains the mobile presets where only torch, numpy, Pillow and safetensors are installed."""
    import edgesr

    inputs = edgesr.TrainInputs(
        photographs=photographs, unpaired=unpaired, validation=validation, perceptual_weights=perceptual_weights
    )
    with shown_progress() as progress:
        packed = edgesr.pack_training(inputs, output, progress=progress)
    print_lines(
        [
            f"{packed.folder}: {packed.size_bytes / 1e6:.1f} MB, {packed.minutes:g} minutes of training",
            "there: python run.py --minutes 9, again until all is done; results.tar is what to bring back",
        ]
    )

"""The sub-command `pack`: a training for a machine with an accelerator and without a package index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.terminal import print_lines, shown_progress


def pack(
    photographs: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of HR photographs.")],
    *,
    output: Annotated[Path, typer.Option(help="The new folder; it may have at most 55 MB.")],
    validation: Annotated[Path | None, typer.Option(help="Folder of HR images to validate on.")] = None,
    unpaired: Annotated[Path | None, typer.Option(help="Folder of real LR images for the cycle.")] = None,
    perceptual_weights: Annotated[
        Path | None, typer.Option(help="VGG16 or VGG19 state dict instead of the one of stlpips-pytorch.")
    ] = None,
) -> None:
    """Pack the training of the mobile family, to be run where there is torch, numpy, Pillow and safetensors alone."""
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

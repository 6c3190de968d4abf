"""The sub-command `pack`: a training for a machine with an accelerator and without a package index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.terminal import print_lines, shown_progress
from edgesr.cli.training_options import PerceptualWeightsOption, PhotographsArgument, UnpairedOption, ValidationOption


def pack(
    photographs: PhotographsArgument,
    *,
    output: Annotated[Path, typer.Option(help="The new folder; its content may be at most 55 MB.")],
    validation: ValidationOption = None,
    unpaired: UnpairedOption = None,
    perceptual_weights: PerceptualWeightsOption = None,
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

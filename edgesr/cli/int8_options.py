"""Options of `export` on calibration, on what int8 must keep, and on its plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.completion import one_of, range_methods
from edgesr.runtimes.errors import InputError

LeastPsnrOption = Annotated[
    float | None,
    typer.Option(
        help="Least mean PSNR (dB) of int8 against float32; layers stay in float until it is reached. Unless given: "
        "40; for a network of yours 10 above that of bilinear upsampling, at most 40."
    ),
]
LargestShiftOption = Annotated[
    float | None,
    typer.Option(
        help="Largest shift of a channel's mean (0 to 255) that int8 may cause. Unless given: 0.3; for a network of "
        "yours a quarter of the error that the PSNR allows."
    ),
]
MaxDropOption = Annotated[
    str | None,
    typer.Option(
        metavar="DB",
        help="Largest loss of PSNR that int8 may cause on the photographs of --validation, such as 0.1dB; it replaces "
        "the two limits above unless they are given.",
    ),
]
ValidationOption = Annotated[
    Path | None, typer.Option(help="Folder of high-resolution photographs for --max-drop to be measured on.")
]
PlanOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Plan of int8 (JSON: the layers to compute in int8). It is read if the file exists, else written there.",
    ),
]


CalibrationOption = Annotated[
    Path | None,
    typer.Option(help="Folder of low-resolution photographs to calibrate int8 on; made-up images unless given."),
]
RangesOption = Annotated[
    str | None,
    typer.Option(
        help="Method that chooses the value ranges of int8: {range_methods}; the best of them unless given.",
        autocompletion=one_of(range_methods),
    ),
]


def parse_db(text: str) -> float:
    """A number of dB with or without its unit; raises an InputError for anything else."""
    try:
        return float(text.strip().lower().removesuffix("db"))
    except ValueError:
        raise InputError(f"--max-drop {text!r}: give a number of dB, 0.1dB for example") from None

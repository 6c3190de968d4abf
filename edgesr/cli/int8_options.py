"""Options of `export` on what int8 must keep, and on its plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.runtimes.errors import InputError

LeastPsnrOption = Annotated[
    float | None,
    typer.Option(
        help="Least mean PSNR (dB) of int8 against float32; layers stay in float until it is kept. Without: 40, and "
        "for a network of yours 10 above what bilinear upsampling has, at most 40."
    ),
]
LargestShiftOption = Annotated[
    float | None,
    typer.Option(
        help="Largest shift of a channel's mean (0..255) by int8. Without: 0.3, and for a network of yours a quarter "
        "of the error that the PSNR allows."
    ),
]
MaxDropOption = Annotated[
    str | None,
    typer.Option(
        metavar="DB",
        help="Largest loss of PSNR (dB, such as 0.1dB) by int8 on --validation, in place of the two budgets above "
        "where they are not given.",
    ),
]
ValidationOption = Annotated[Path | None, typer.Option(help="Folder of HR photographs for --max-drop.")]
PlanOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Plan of int8 (JSON): taken where the file exists, written where it does not."),
]


def parse_db(text: str) -> float:
    """A number of dB with or without its unit; an InputError for anything else."""
    try:
        return float(text.strip().lower().removesuffix("db"))
    except ValueError:
        raise InputError(f"--max-drop {text!r}: give a number of dB, 0.1dB for example") from None

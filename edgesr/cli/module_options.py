"""Options of `export` on a network, its own or the user's; `inspect` shares some."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.completion import colours, delegates, golden_forms, one_of, presets, weights

ModuleOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.py:NAME",
        help="A network of your own: a Python function that returns a torch.nn.Module. Its code is run.",
    ),
]
OnnxOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="An ONNX file of a network; the exported files are compared with what it computes itself.",
    ),
]
CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        help="Weights to export: of edgesr, of the published networks, or of an architecture that spandrel knows; "
        "with --module, the weights of that network."
    ),
]
ModuleCheckpointOption = Annotated[Path | None, typer.Option(help="Weights of the network of --module.")]
PeakOption = Annotated[
    int | None,
    typer.Option(help="Value of white in your network's images: 1 or 255; 1 unless given."),
]
MultipleOption = Annotated[
    int | None,
    typer.Option(
        help="Height and width that your network takes are multiples of this number; edgesr finds it unless given."
    ),
]
ColourOption = Annotated[
    str | None,
    typer.Option(
        help="Channels of your network's images: rgb; or, for one channel, luma (16 to 235) or grey (0 to 255); luma "
        "unless given.",
        autocompletion=one_of(colours),
    ),
]
AllowInexactTilesOption = Annotated[
    bool,
    typer.Option(
        "--allow-inexact-tiles",
        help="Make tile graphs even if the joined tiles differ from the whole picture; the difference is recorded.",
    ),
]
CacheDirOption = Annotated[
    Path | None,
    typer.Option(help="Folder that keeps finished steps for the next export; the user's cache unless given."),
]
GoldensOption = Annotated[
    str | None,
    typer.Option(
        help="Also write the goldens (the inputs and outputs to compare with) as {golden_forms} tensors, for programs "
        "other than edgesr.",
        autocompletion=one_of(golden_forms),
    ),
]
DelegateOption = Annotated[
    str | None,
    typer.Option(
        help="Rewrite TFLite files so that a delegate (an accelerator's part of LiteRT) takes them: {delegates}.",
        autocompletion=one_of(delegates),
    ),
]

PresetOption = Annotated[
    str | None,
    typer.Option(
        help="Network to export with the weights that come with edgesr: {presets}.",
        autocompletion=one_of(presets),
    ),
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        help="Weights of --preset, by the images they were trained on: {weights}; {default_weights} unless given.",
        autocompletion=one_of(weights),
    ),
]

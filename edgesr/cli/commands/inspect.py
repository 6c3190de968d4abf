"""The sub-command `inspect`: what a checkpoint, a model file or a bundle contains, and what a user's network is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.module_options import (
    CacheDirOption,
    ColourOption,
    ModuleCheckpointOption,
    ModuleOption,
    MultipleOption,
    OnnxOption,
    PeakOption,
)
from edgesr.cli.terminal import print_table, shown_progress
from edgesr.runtimes.errors import InputError


def inspect(
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="Weights (a checkpoint), a model file or a bundle.")
    ] = None,
    module: ModuleOption = None,
    onnx: OnnxOption = None,
    checkpoint: ModuleCheckpointOption = None,
    peak: PeakOption = None,
    multiple: MultipleOption = None,
    colour: ColourOption = None,
    cache_dir: CacheDirOption = None,
) -> None:
    """List what a checkpoint, an ONNX or TFLite file or a bundle contains, or what edgesr finds about your network."""
    import edgesr

    if sum(given is not None for given in (path, module, onnx)) != 1:
        raise InputError("give one of a path, --module FILE.py:NAME and --onnx FILE")
    if path is not None:
        if any(stated is not None for stated in (checkpoint, peak, multiple, colour)):
            raise InputError(
                "--checkpoint, --peak, --multiple and --colour belong to --module FILE.py:NAME or --onnx FILE; leave "
                "them out"
            )
        with shown_progress() as progress:
            tables = edgesr.inspect(path, cache_dir=cache_dir, progress=progress)
    else:
        run = edgesr.inspect_module  # refuses missing packages before anything else
        options = edgesr.ExportOptions(
            module=module, onnx=onnx, checkpoint=checkpoint, peak=peak, multiple=multiple, colour=colour
        )
        with shown_progress() as progress:
            tables = run(options, cache_dir=cache_dir, progress=progress)
    for table in tables:
        print_table(table)

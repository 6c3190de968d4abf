"""The sub-command `upscale`: an image or a folder, in tiles that fit a memory budget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.terminal import RuntimeOption, parse_bytes, parse_size, print_lines, shown_progress
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import counted


def upscale(
    source: Annotated[Path, typer.Argument(metavar="IN", help="An image, or a folder of images.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The image to write, or a folder for them.")],
    bundle: Annotated[Path, typer.Option(help="A bundle made by 'edgesr export'.")],
    artifact: Annotated[str | None, typer.Option("--artifact", help="Only the artifact of this id.")] = None,
    runtime: RuntimeOption = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the runtime.")] = 1,
    memory: Annotated[
        str | None, typer.Option(help="What tiles may take at one time, beside both images; 256MB unless given.")
    ] = None,
    tile_size: Annotated[
        str | None, typer.Option(help="LR height x width of tiles instead of what the memory allows.")
    ] = None,
    self_ensemble: Annotated[
        bool,
        typer.Option("--self-ensemble", help="Mean over the eight flips and transpositions: eight times the work."),
    ] = False,
    quality: Annotated[int | None, typer.Option(help="Quality of .jpg and .webp, 1 to 100; 95 unless given.")] = None,
    suffix: Annotated[
        str,
        typer.Option(
            help="Format of the images of a folder: a.jpg becomes a.png; next to a.tif both keep theirs: a.jpg.png."
        ),
    ] = ".png",
    max_megapixels: Annotated[float, typer.Option(help="Refuse images that declare more pixels than this.")] = 64.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell artifact, tiles, memory and time, and write nothing.")
    ] = False,
) -> None:
    """Upscale an image or a folder, of any size, in tiles: the same picture as in one piece (w8d: nearly)."""
    from edgesr.runtimes.bundle.opening import open_bundle
    from edgesr.runtimes.upscaling.files import FileUpscaler
    from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions

    options = UpscaleOptions(
        artifact_id=artifact,
        runtime=runtime,
        threads=threads,
        memory_bytes=None if memory is None else parse_bytes("--memory", memory),
        tile_size=None if tile_size is None else parse_size(tile_size),
        self_ensemble=self_ensemble,
    )
    files = FileOptions(quality=quality, suffix=suffix, max_megapixels=max_megapixels)
    opened = open_bundle(bundle)
    with shown_progress() as progress:
        upscaler = FileUpscaler(opened, options, files, progress)
        if dry_run:
            planned = list(upscaler.planned(source, target))
            lines = [line for item in planned if not isinstance(item, str) for line in item.describe()]
            failures = [item for item in planned if isinstance(item, str)]
        elif source.is_dir():
            report = upscaler.folder(source, target)
            lines, failures = [written.describe() for written in report.written], list(report.failures)
        else:
            lines, failures = [upscaler.file(source, target).describe()], []
    print_lines(lines)
    if failures:
        raise InputError(f"{counted(len(failures), 'image')} of {source} could not be upscaled: {failures[0]}")

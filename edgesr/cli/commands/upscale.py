"""The sub-command `upscale`: an image or a folder, in tiles that fit a memory budget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgesr.cli.command import default_of
from edgesr.cli.terminal import (
    ArtifactOption,
    ProviderOption,
    RuntimeOption,
    parse_bytes,
    parse_size,
    print_errors,
    print_lines,
    shown_progress,
)
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import counted

if TYPE_CHECKING:
    from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions


MemoryOption = Annotated[
    str | None,
    typer.Option(
        help="Memory that the tiles may take at one time, such as 256MB, without the two images; {default_memory} "
        "unless given."
    ),
]
TileSizeOption = Annotated[
    str | None,
    typer.Option(
        help="Height x width of a tile in pixels of the input, such as 128x128; unless given, as large as the "
        "memory allows."
    ),
]
HaloOption = Annotated[
    str | None,
    typer.Option(
        metavar="field",
        help="Let tiles overlap by the network's whole receptive field (field); unless given, by the halo that was "
        "measured at export.",
    ),
]
SelfEnsembleOption = Annotated[
    bool,
    typer.Option(
        "--self-ensemble", help="Write the mean over the eight flips and turns of each image: eight times the work."
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        help="Number of processes on each machine that share a folder's images, 1 unless given; each has as many "
        "threads and as much memory as one alone."
    ),
]
OnOption = Annotated[
    str | None,
    typer.Option(metavar="host,ssh:[USER@]HOST", help="Machines that share a folder's images, separated by commas."),
]
RayOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Address of a ray cluster whose machines share a folder's images."),
]


def upscale(
    source: Annotated[Path, typer.Argument(metavar="IN", help="An image, or a folder of images.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The image to write, or a folder for them.")],
    *,
    bundle: Annotated[Path, typer.Option(help="Folder made by 'edgesr export'.")],
    artifact: ArtifactOption = None,
    runtime: RuntimeOption = None,
    provider: ProviderOption = None,
    threads: Annotated[
        int, typer.Option(min=1, help="Threads of the runtime.", default_factory=default_of(_options, "threads"))
    ],
    memory: MemoryOption = None,
    tile_size: TileSizeOption = None,
    halo: HaloOption = None,
    self_ensemble: SelfEnsembleOption = False,
    quality: Annotated[
        int | None,
        typer.Option(help="Quality of .jpg and .webp files, 1 to 100; {default_quality} unless given."),
    ] = None,
    suffix: Annotated[
        str,
        typer.Option(
            help="Format to write the images of a folder in: a.jpg becomes a.png, or a.jpg.png where the folder also "
            "has an a.tif.",
            default_factory=default_of(_files, "suffix"),
        ),
    ],
    max_megapixels: Annotated[
        float,
        typer.Option(
            help="Refuse images that have more megapixels than this.",
            default_factory=default_of(_files, "max_megapixels"),
        ),
    ],
    jobs: JobsOption = None,
    on: OnOption = None,
    ray: RayOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; print the file used, the tiles, the memory and the time.")
    ] = False,
) -> None:
    """Upscale an image, or every image of a folder, in tiles that fit a memory limit.

    The picture is the same as if it were computed in one piece (in precision w8d: nearly the same).
    """
    import edgesr

    options = edgesr.UpscaleOptions(
        artifact_id=artifact,
        runtime=runtime,
        provider=provider,
        threads=threads,
        memory_bytes=None if memory is None else parse_bytes("--memory", memory),
        tile_size=None if tile_size is None else parse_size(tile_size),
        halo=halo,
        self_ensemble=self_ensemble,
    )
    files = edgesr.FileOptions(quality=quality, suffix=suffix, max_megapixels=max_megapixels)
    workers = edgesr.WorkerOptions(jobs=jobs, on=on, ray=ray)
    opened = edgesr.open_bundle(bundle)
    with shown_progress() as progress:
        if dry_run:
            workers.require_folder(source)
            planned = edgesr.plan_files(source, target, opened, options, files, progress=progress)
        else:
            report = edgesr.upscale_archive(source, target, opened, options, files, workers, progress=progress)
    if dry_run:
        print_lines(planned.describe(workers.count))
        _end(source, planned.failures)
    else:
        print_lines(report.describe())
        _end(source, report.failures, report.unfinished)


def _end(source: Path, failures: Sequence[str], unfinished: Sequence[str] = ()) -> None:
    """Exit with 1 where the same command, given again, may do what is left; raises an InputError for bad images
    alone.
    """
    if unfinished:
        print_errors([*unfinished, f"{source} is not finished: the same command goes on where this one stopped"])
        raise typer.Exit(1)
    if failures:
        images = counted(len(failures), "image")
        raise InputError(f"{images} of {source} could not be upscaled: {failures[0]}")


def _options() -> type[UpscaleOptions]:
    from edgesr.runtimes.upscaling.options import UpscaleOptions

    return UpscaleOptions


def _files() -> type[FileOptions]:
    from edgesr.runtimes.upscaling.options import FileOptions

    return FileOptions

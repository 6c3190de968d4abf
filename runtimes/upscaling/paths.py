"""Upscale what a path names: an image, or every image of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, silent
from edgesr.runtimes.upscaling.files import FileUpscaler
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from edgesr.runtimes.upscaling.outcomes import FolderReport, PlannedImage


@dataclass(frozen=True)
class FolderPlan:
    """The plan of a run over a folder, image by image, with the reason for each image that cannot be upscaled."""

    images: tuple[PlannedImage, ...]
    failures: tuple[str, ...]

    def describe(self, workers: int = 1) -> list[str]:
        """A few lines for each image, and one about several workers, which work at the same time."""
        lines = [line for image in self.images for line in image.describe()]
        return lines if workers == 1 else [*lines, f"{workers} workers: each takes the memory of an image at one time"]


def upscale_files(
    source: Path,
    target: Path,
    bundle: Bundle,
    options: UpscaleOptions | None = None,
    files: FileOptions | None = None,
    *,
    progress: Progress = silent,
) -> FolderReport:
    """Upscale an image to the file ``target``, or all images of a folder into the folder ``target``, of any size in
    tiles. An image that cannot be upscaled is an error; one of a folder is a failure in the report.
    """
    upscaler = FileUpscaler(bundle, options or UpscaleOptions(), files or FileOptions(), progress)
    if source.is_dir():
        return upscaler.folder(source, target)
    return FolderReport((upscaler.file(source, target),), 0, ())


def plan_files(
    source: Path,
    target: Path,
    bundle: Bundle,
    options: UpscaleOptions | None = None,
    files: FileOptions | None = None,
    *,
    progress: Progress = silent,
) -> FolderPlan:
    """The plan of `upscale_files`: artifact, tiles, memory and time of every image. Nothing is written."""
    upscaler = FileUpscaler(bundle, options or UpscaleOptions(), files or FileOptions(), progress)
    planned = list(upscaler.planned(source, target))
    return FolderPlan(
        tuple(item for item in planned if not isinstance(item, str)),
        tuple(item for item in planned if isinstance(item, str)),
    )

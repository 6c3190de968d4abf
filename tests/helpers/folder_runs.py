"""Runs over folders of small photographs, interrupted or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.images.image_io import write_image
from edgesr.runtimes.progress import ProgressEvent
from edgesr.runtimes.upscaling.files import FileUpscaler
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from edgesr.runtimes.upscaling.outcomes import FolderReport
from tests.helpers.whole_runs import channels_first, exposed

NAMES = ("a", "b", "c", "d")


def four_photographs(folder: Path) -> Path:
    """A new folder with small photographs a.png to d.png."""
    folder.mkdir()
    for place, name in enumerate(NAMES):
        save_photograph(folder / f"{name}.png", (10 + place, 14))
    return folder


def save_photograph(path: Path, size: tuple[int, int] = (64, 64)) -> Path:
    write_image(path, channels_first(exposed("cat", size)))
    return path


def folder_run(
    bundle: Bundle,
    source: Path,
    target: Path,
    files: FileOptions | None = None,
    stop_at: str | None = None,
    **options: Any,
) -> FolderReport:
    """One run over a folder, interrupted when it comes to the image ``stop_at``."""

    def progress(event: ProgressEvent) -> None:
        if event.task == "tiles" and stop_at is not None and event.note.startswith(stop_at) and event.done:
            raise KeyboardInterrupt

    upscaler = FileUpscaler(bundle, UpscaleOptions(**options), files or FileOptions(), progress)
    return upscaler.folder(source, target)


def written_names(report: FolderReport) -> list[str]:
    return [written.path.name for written in report.written]


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())

"""Upscale an image file, or every image of a folder, with a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runtimes.bundle import Bundle
from runtimes.errors import InputError
from runtimes.files import require_creatable
from runtimes.image_io import check_writable, list_images, read_image, write_image
from runtimes.progress import Progress, ProgressEvent, silent
from runtimes.session import ImageSession, open_session
from runtimes.upscale import check_size, choose_artifact, upscale


@dataclass(frozen=True)
class Written:
    """An image that was written, and what made it."""

    path: Path
    width: int
    height: int
    artifact: str
    runtime: str


def upscale_files(
    source: Path,
    target: Path,
    bundle: Bundle,
    *,
    artifact_id: str | None = None,
    runtime: str | None = None,
    threads: int = 1,
    progress: Progress = silent,
) -> list[Written]:
    """Upscale ``source`` to ``target``; a folder's images get the same names with suffix .png in the target folder."""
    pairs = _folder_pairs(source, target) if source.is_dir() else [(source, target)]
    if not source.is_dir():
        check_writable(target)
    sessions: dict[tuple[str, str], ImageSession] = {}
    written = []
    for done, (file, output) in enumerate(pairs):
        progress(ProgressEvent("upscale", done, len(pairs), file.name))
        image = read_image(file)
        size = (image.shape[1], image.shape[2])
        check_size(bundle, size, str(file))
        artifact, runtime_name = choose_artifact(bundle, size, artifact_id=artifact_id, runtime=runtime)
        key = (artifact.id, runtime_name)
        if key not in sessions:
            sessions[key] = open_session(bundle, artifact, runtime=runtime_name, threads=threads)
        result = upscale(image, sessions[key], scale=bundle.manifest.scale, glue=bundle.manifest.glue)
        output.parent.mkdir(parents=True, exist_ok=True)
        write_image(output, result)
        written.append(Written(output, result.shape[2], result.shape[1], artifact.id, runtime_name))
    progress(ProgressEvent("upscale", len(pairs), len(pairs)))
    return written


def _folder_pairs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    files = list_images(source)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target}: is a file; give a folder to write the images of {source} into")
    names = [f"{file.stem}.png" for file in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{source}: several images would be written as {', '.join(twice)}; rename them")
    require_creatable(target)
    return [(file, target / name) for file, name in zip(files, names, strict=True)]

"""Pictures that a worker upscales with an artifact, handed over as .npy files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.benchmarks.jobs import Job, JobKind
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import Upscaler


@dataclass(frozen=True, kw_only=True)
class PictureFolders:
    """``count`` LR pictures, float32 (h,w,3) in [0,255], in the folder ``inputs``; SR ones are written to ``outputs``.

    Files are named by a picture's place.
    """

    inputs: str
    outputs: str
    count: int


@dataclass(frozen=True, kw_only=True)
class UpscaledPictures:
    """The result of upscaling: the reason why each picture could not be upscaled, or None."""

    refusals: tuple[str | None, ...]


def write_pictures(folder: Path, pictures: Sequence[FloatArray]) -> None:
    """Write LR pictures for a worker."""
    for place, values in enumerate(pictures):
        np.save(_file(str(folder), place), values)


def upscale_pictures(bundle: Bundle, artifact: Artifact, *, runtime: str, folders: PictureFolders) -> UpscaledPictures:
    """Upscale all pictures in this process."""
    upscaler = Upscaler(bundle, UpscaleOptions(artifact_id=artifact.id, runtime=runtime))
    refusals: list[str | None] = []
    for place in range(folders.count):
        try:
            result = upscaler.array(np.load(_file(folders.inputs, place), allow_pickle=False))
        except EdgesrError as error:
            refusals.append(str(error))
            continue
        np.save(_file(folders.outputs, place), result)
        refusals.append(None)
    return UpscaledPictures(refusals=tuple(refusals))


def read_picture(folder: Path, place: int, shape: tuple[int, ...]) -> FloatArray:
    """An SR picture that a worker left; raises an EdgesrError unless it is finite float32 of that shape."""
    try:
        values = np.load(_file(str(folder), place), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise EdgesrError(f"the worker left no picture: {error}") from error
    if values.shape != shape or values.dtype != np.float32 or not np.isfinite(values).all():
        raise EdgesrError(f"the worker left {values.dtype} of {values.shape}, not finite float32 of {shape}")
    return np.asarray(values, dtype=np.float32)


def _file(folder: str, place: int) -> Path:
    return Path(folder) / f"{place}.npy"


def _pictures(job: Job, folders: PictureFolders) -> UpscaledPictures:
    return upscale_pictures(*job.opened(), runtime=job.runtime, folders=folders)


PICTURES = JobKind(
    name="pictures",
    settings=PictureFolders,
    result=UpscaledPictures,
    measure=_pictures,
    sends=("inputs",),
    brings=("outputs",),
)

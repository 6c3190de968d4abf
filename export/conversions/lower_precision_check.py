"""The check of a file of lower precision: it is run next to its float32 file, whatever made it.

On photographs, flat grey, black and white, and a checkerboard its picture must be no farther from the float32 one than
bilinear upsampling is, or within one grey level. Tools fold and overwrite constants and clip ranges, and say nothing.

python -P -m edgesr.export.conversions.lower_precision_check JOB.json IMAGES.npy ANSWERS.npz
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.benchmarks.parity.comparison import ONE_LEVEL_PSNR_DB, finite
from edgesr.benchmarks.quality.metrics import psnr
from edgesr.export.calibration.extremes import extreme_tiles
from edgesr.export.calibration.photographs import photograph
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.adapters.registry import runtime_info
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.bundle.manifest import REFERENCE, Glue, Layout, Precision, Size
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.colour import network_image
from edgesr.runtimes.glue.projection import apply_residual
from edgesr.runtimes.interface.runtime import RunSettings
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

RESULT_FILE = "lower_precision.json"
_PHOTOGRAPHS = {f"the photograph {name}": name for name in ("cat", "coffee")}
_JOB_FILE, _IMAGES_FILE, _ANSWERS_FILE = "job.json", "images.npy", "answers.npz"
_CHANNELS_LAST = (0, 2, 3, 1)
_CHANNELS_FIRST = (0, 3, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A file of an artifact: its ``runtime``, what it does and how. ``glue`` makes a picture of what it answers.

    ``size`` (LR pixels) is one that the file and its float32 file take. ``least_psnr_db``: what photographs must keep,
    where nothing else has measured the arithmetic that the file is run in.
    """

    id: str
    runtime: str
    precision: Precision
    layout: Layout
    size: Size
    scale: int
    colour: Colour
    glue: Glue
    least_psnr_db: float | None = None


@dataclass(frozen=True, kw_only=True)
class Distance:
    """PSNR (dB) of a file's pictures and of bilinear upsampling against the float32 file's pictures; None if they are
    equal.
    """

    psnr_db: float | None
    bilinear_db: float | None


@dataclass(frozen=True)
class Distances:
    """The distances of a file, by the name of the image."""

    images: dict[str, Distance]


@dataclass(frozen=True, kw_only=True)
class _Job:
    runtime: str
    layout: Layout
    files: tuple[tuple[str, Precision], ...]


def check_lower_precision(folder: Path, checked: Checked, float_file: Path, file: Path) -> None:
    """Write the `Distances` of a file; raises an EdgesrError where one is too large."""
    images = {name: network_image(image, checked.colour) for name, image in _images(checked.size).items()}
    files = ((float_file, REFERENCE), (file, checked.precision))
    expected, found = _answers(checked, files, np.stack([*images.values()]))
    distances = {}
    for place, (name, image) in enumerate(images.items()):
        reference, picture = (_picture(checked, image, answers[place]) for answers in (expected, found))
        quality, bilinear = psnr(picture, reference), psnr(upsample_bilinear(image, checked.scale), reference)
        needed = min(bilinear, ONE_LEVEL_PSNR_DB)
        if not quality >= needed:
            bound = "one grey level" if bilinear > needed else "bilinear upsampling"
            raise EdgesrError(
                f"{checked.id} is too far from its float32 file: {quality:.1f} dB on {name}, where {bound} has "
                f"{needed:.1f} dB; export another precision"
            )
        if checked.least_psnr_db is not None and name in _PHOTOGRAPHS and not quality >= checked.least_psnr_db:
            raise EdgesrError(
                f"{checked.id} is too far from its float32 file: {quality:.1f} dB on {name}, and {checked.precision} "
                f"is to keep {checked.least_psnr_db:.1f} dB; export another precision"
            )
        distances[name] = Distance(psnr_db=finite(quality), bilinear_db=finite(bilinear))
    (folder / RESULT_FILE).write_text(to_json(Distances(distances)))


def _images(size: Size) -> dict[str, FloatArray]:
    """RGB images (3,h,w) in [0,255] by their names."""
    photographs = {title: photograph(name, size) for title, name in _PHOTOGRAPHS.items()}
    return photographs | extreme_tiles(3, size)


def _picture(checked: Checked, image: FloatArray, answer: FloatArray) -> FloatArray:
    """The SR picture (c,H,W) of a graph's answer (c,H,W), a residual or a picture; NaN where it is not finite."""
    expected = (image.shape[0], *(side * checked.scale for side in image.shape[1:]))
    if answer.shape != expected:
        raise EdgesrError(f"{checked.id} answers {answer.shape} and not {expected}")
    return apply_residual(image, answer, scale=checked.scale, glue=checked.glue)


def _answers(checked: Checked, files: tuple[tuple[Path, Precision], ...], images: FloatArray) -> tuple[FloatArray, ...]:
    """The answers (n,c,H,W) of each of the files to images (n,c,h,w), computed in a process of its own, which a file
    may end.
    """
    given = tuple((str(file.absolute()), precision) for file, precision in files)
    job = _Job(runtime=checked.runtime, layout=checked.layout, files=given)
    with tempfile.TemporaryDirectory(prefix="edgesr-check-") as name:
        folder = Path(name)
        (folder / _JOB_FILE).write_text(to_json(job))
        np.save(folder / _IMAGES_FILE, images)
        run_converter(
            "edgesr.export.conversions.lower_precision_check",
            [_JOB_FILE, _IMAGES_FILE, _ANSWERS_FILE],
            folder=folder,
            result=folder / _ANSWERS_FILE,
            what=f"{checked.id} could not be run in {checked.runtime}",
        )
        with np.load(folder / _ANSWERS_FILE) as stored:
            return tuple(stored[f"arr_{place}"] for place in range(len(files)))


def _answer_here(job_file: Path, images_file: Path, answers_file: Path) -> None:
    job = read_record(_Job, job_file, remake="export again")
    images, last = np.load(images_file), job.layout == "NHWC"
    given = np.ascontiguousarray(images.transpose(_CHANNELS_LAST)) if last else images
    answers = []
    for file, precision in job.files:
        session = runtime_info(job.runtime).open(Path(file), RunSettings(precision=precision))
        answer = np.concatenate([session.run(given[place : place + 1]) for place in range(len(given))])
        answers.append(answer.transpose(_CHANNELS_FIRST) if last else answer)
    np.savez(answers_file, *answers)


if __name__ == "__main__":
    _answer_here(*(Path(argument) for argument in sys.argv[1:]))

"""Runs of an ncnn model in a process of its own: a file that ncnn cannot take may end the process.

python -P -m edgesr.export.ncnn.run JOB.json INPUTS.npz OUTPUTS.npz
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.adapters import ncnn
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import REFERENCE, Precision
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

_JOB, _INPUTS, _OUTPUTS, _FAULTS = "job.json", "inputs.npz", "outputs.npz", "faults"


@dataclass(frozen=True)
class _Job:
    """Inner tensors of these ``names`` are read on one image; without names the outputs, on all images."""

    file: str
    names: tuple[str, ...]
    settings: RunSettings


@dataclass(frozen=True)
class NcnnAnswers:
    """What a float32 model answered to images (1,c,h,w): a session of these images alone.

    An EdgesrError is an answer too, where ncnn gave none.
    """

    answers: dict[tuple[int, ...], FloatArray | EdgesrError]

    def run(self, image: FloatArray) -> FloatArray:
        answer = self.answers[image.shape]
        if isinstance(answer, EdgesrError):
            raise answer
        return answer


def answers_of(path: Path, images: Sequence[FloatArray]) -> NcnnAnswers:
    """What a model answers to images (c,h,w) of different shapes; an EdgesrError where it cannot be opened."""
    found = _run(path, images, (), RunSettings())
    faults = [str(fault) for fault in found[_FAULTS]]
    return NcnnAnswers(
        {
            image[None].shape: EdgesrError(fault) if fault else found[f"arr_{place}"]
            for place, (image, fault) in enumerate(zip(images, faults, strict=True))
        }
    )


def tensors_of(
    path: Path, image: FloatArray, names: Sequence[str], *, precision: Precision = REFERENCE, exact: bool = False
) -> dict[str, FloatArray]:
    """Inner tensors (c,h,w) of a model of a precision on an image (c,h,w), by their names in the .param file."""
    found = _run(path, (image,), names, RunSettings(precision=precision, exact=exact))
    return {name: found[f"arr_{place}"] for place, name in enumerate(names)}


def _run(
    path: Path, images: Sequence[FloatArray], names: Sequence[str], settings: RunSettings
) -> dict[str, FloatArray]:
    with tempfile.TemporaryDirectory(prefix="edgesr-ncnn-") as name:
        folder = Path(name)
        np.savez(folder / _INPUTS, *(image[None] for image in images))
        (folder / _JOB).write_text(to_json(_Job(str(path.absolute()), tuple(names), settings)))
        run_converter(
            "edgesr.export.ncnn.run", [_JOB, _INPUTS, _OUTPUTS], folder=folder, result=folder / _OUTPUTS, what="ncnn"
        )
        with np.load(folder / _OUTPUTS) as stored:
            return dict(stored)


def _answer_here(job_file: Path, inputs: Path, outputs: Path) -> None:
    job = read_record(_Job, job_file, remake="export again")
    with np.load(inputs) as stored:
        images = [stored[f"arr_{place}"] for place in range(len(stored.files))]
    if job.names:
        np.savez(outputs, *ncnn.read_tensors(Path(job.file), images[0], job.names, job.settings))
        return
    session = ncnn.open(Path(job.file), job.settings)
    answers, faults = [], []
    for image in images:
        try:
            answers.append(session.run(image))
            faults.append("")
        except ncnn.RUNTIME.failures() as error:
            answers.append(np.zeros(0, dtype=np.float32))
            faults.append(str(error))
    np.savez(outputs, *answers, faults=np.array(faults))


if __name__ == "__main__":
    _answer_here(*(Path(argument) for argument in sys.argv[1:]))

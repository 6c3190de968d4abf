"""The answers of a model file, computed in a process of its own: a file that a runtime cannot take may end the process.

python -P -m edgesr.export.answers JOB.json INPUTS.npz OUTPUTS.npz
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.adapters.registry import runtime_info
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

_JOB, _INPUTS, _OUTPUTS, _FAULTS = "job.json", "inputs.npz", "outputs.npz", "faults"


@dataclass(frozen=True)
class _Job:
    runtime: str
    file: str
    settings: RunSettings


@dataclass(frozen=True)
class Answers:
    """The answers of a file to images (1,c,h,w): a session that knows these images alone.

    An EdgesrError is an answer too, where the runtime gave none.
    """

    answers: dict[tuple[int, ...], FloatArray | EdgesrError]

    def run(self, image: FloatArray) -> FloatArray:
        answer = self.answers[image.shape]
        if isinstance(answer, EdgesrError):
            raise answer
        return answer


def answers_of(runtime: str, path: Path, images: Sequence[FloatArray], settings: RunSettings) -> Answers:
    """The answers of a file to images (c,h,w) of different shapes; raises EdgesrError if it cannot be opened."""
    with tempfile.TemporaryDirectory(prefix="edgesr-answers-") as name:
        folder = Path(name)
        np.savez(folder / _INPUTS, *(image[None] for image in images))
        (folder / _JOB).write_text(to_json(_Job(runtime, str(path.absolute()), settings)))
        run_converter(
            "edgesr.export.answers",
            [_JOB, _INPUTS, _OUTPUTS],
            folder=folder,
            result=folder / _OUTPUTS,
            what=runtime_info(runtime).title,
        )
        with np.load(folder / _OUTPUTS) as found:
            faults = [str(fault) for fault in found[_FAULTS]]
            return Answers(
                {
                    image[None].shape: EdgesrError(fault) if fault else found[f"arr_{place}"]
                    for place, (image, fault) in enumerate(zip(images, faults, strict=True))
                }
            )


def _answer_here(job_file: Path, inputs: Path, outputs: Path) -> None:
    job = read_record(_Job, job_file, remake="export again")
    runtime = runtime_info(job.runtime)
    with np.load(inputs) as stored:
        images = [stored[f"arr_{place}"] for place in range(len(stored.files))]
    session = runtime.open(Path(job.file), job.settings)
    answers, faults = [], []
    for image in images:
        try:
            answers.append(session.run(image))
            faults.append("")
        except runtime.failures() as error:
            answers.append(np.zeros(0, dtype=np.float32))
            faults.append(str(error))
    np.savez(outputs, *answers, faults=np.array(faults))


if __name__ == "__main__":
    _answer_here(*(Path(argument) for argument in sys.argv[1:]))

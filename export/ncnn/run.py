"""Runs of an ncnn model in a process of its own: a file that ncnn cannot take may end the process.

python -P -m edgesr.export.ncnn.run FILE INPUTS.npz OUTPUTS.npz
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
from edgesr.runtimes.adapters.runtime import RunSettings
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError

_INPUTS, _OUTPUTS, _FAULTS = "inputs.npz", "outputs.npz", "faults"


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
    with tempfile.TemporaryDirectory(prefix="edgesr-ncnn-") as name:
        folder = Path(name)
        np.savez(folder / _INPUTS, *(image[None] for image in images))
        run_converter(
            "edgesr.export.ncnn.run",
            [str(path.absolute()), _INPUTS, _OUTPUTS],
            folder=folder,
            result=folder / _OUTPUTS,
            what="ncnn",
        )
        with np.load(folder / _OUTPUTS) as stored:
            faults = [str(fault) for fault in stored[_FAULTS]]
            return NcnnAnswers(
                {
                    image[None].shape: EdgesrError(fault) if fault else stored[f"arr_{place}"]
                    for place, (image, fault) in enumerate(zip(images, faults, strict=True))
                }
            )


def _answer_here(file: Path, inputs: Path, outputs: Path) -> None:
    session = ncnn.open(file, RunSettings())
    answers, faults = [], []
    with np.load(inputs) as stored:
        for place in range(len(stored.files)):
            try:
                answers.append(session.run(stored[f"arr_{place}"]))
                faults.append("")
            except RuntimeError as error:
                answers.append(np.zeros(0, dtype=np.float32))
                faults.append(str(error))
    np.savez(outputs, *answers, **{_FAULTS: np.array(faults)})


if __name__ == "__main__":
    _answer_here(*(Path(argument) for argument in sys.argv[1:]))

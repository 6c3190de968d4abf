"""Inner tensors of an ncnn model, in a process of its own: a file that ncnn cannot take may end the process.

python -P -m edgesr.export.ncnn.run JOB.json INPUT.npy OUTPUTS.npz
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
from edgesr.runtimes.interface.runtime import RunSettings
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

_JOB, _INPUT, _OUTPUTS = "job.json", "input.npy", "outputs.npz"


@dataclass(frozen=True)
class _Job:
    file: str
    names: tuple[str, ...]
    settings: RunSettings


def tensors_of(
    path: Path, image: FloatArray, names: Sequence[str], *, precision: Precision = REFERENCE, exact: bool = False
) -> dict[str, FloatArray]:
    """Inner tensors (c,h,w) of a model of a precision on an image (c,h,w), by their names in the .param file."""
    job = _Job(str(path.absolute()), tuple(names), RunSettings(precision=precision, exact=exact))
    with tempfile.TemporaryDirectory(prefix="edgesr-ncnn-") as name:
        folder = Path(name)
        np.save(folder / _INPUT, image[None])
        (folder / _JOB).write_text(to_json(job))
        run_converter(
            "edgesr.export.ncnn.run", [_JOB, _INPUT, _OUTPUTS], folder=folder, result=folder / _OUTPUTS, what="ncnn"
        )
        with np.load(folder / _OUTPUTS) as stored:
            return {name: stored[f"arr_{place}"] for place, name in enumerate(names)}


def _read_here(job_file: Path, given: Path, outputs: Path) -> None:
    job = read_record(_Job, job_file, remake="export again")
    np.savez(outputs, *ncnn.read_tensors(Path(job.file), np.load(given), job.names, job.settings))


if __name__ == "__main__":
    _read_here(*(Path(argument) for argument in sys.argv[1:]))

"""One run of a TFLite file in LiteRT, in a process of its own: a file that LiteRT cannot take may end the process.

python -P -m edgesr.export.conversions.litert_run FILE INPUT.npy OUTPUT.npy
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.adapters import tflite
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.interface.runtime import RunSettings

_INPUT, _OUTPUT = "input.npy", "output.npy"


@dataclass(frozen=True)
class LiteRtProcess:
    """A TFLite file (1,h,w,c) as a session of images (1,c,h,w), float32; raises an EdgesrError where LiteRT fails."""

    path: Path

    def run(self, image: FloatArray) -> FloatArray:
        with tempfile.TemporaryDirectory(prefix="edgesr-litert-") as name:
            folder = Path(name)
            np.save(folder / _INPUT, image.transpose(0, 2, 3, 1))
            run_converter(
                "edgesr.export.conversions.litert_run",
                [str(self.path.absolute()), _INPUT, _OUTPUT],
                folder=folder,
                result=folder / _OUTPUT,
                what="LiteRT",
            )
            output: FloatArray = np.load(folder / _OUTPUT)
        return output.transpose(0, 3, 1, 2)


if __name__ == "__main__":
    file, given, answer = (Path(argument) for argument in sys.argv[1:])
    np.save(answer, tflite.open(file, RunSettings()).run(np.ascontiguousarray(np.load(given))))

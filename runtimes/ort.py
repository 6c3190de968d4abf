"""ONNX Runtime, CPU execution provider."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray


@dataclass(frozen=True)
class OrtSession:
    """An open ONNX model with one input and one output."""

    session: onnxruntime.InferenceSession

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self.session.run(None, {self.session.get_inputs()[0].name: image})[0]
        return output


def open(path: Path, threads: int) -> OrtSession:
    """Load an .onnx file; ``threads`` is the size of the intra-op pool."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return OrtSession(onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))

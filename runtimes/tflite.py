"""LiteRT (TensorFlow Lite) with its default XNNPACK delegate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray


@dataclass(frozen=True)
class LiteRtSession:
    """An open TFLite model with one input and one output."""

    interpreter: Interpreter
    input_index: int
    output_index: int

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        self.interpreter.set_tensor(self.input_index, image)
        self.interpreter.invoke()
        output: NDArray[np.float32] = self.interpreter.get_tensor(self.output_index)
        return output


def open(path: Path, threads: int) -> LiteRtSession:
    """Load a .tflite file and allocate its tensors."""
    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    return LiteRtSession(
        interpreter, interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    )

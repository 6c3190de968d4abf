"""LiteRT (TensorFlow Lite) with its default XNNPACK delegate, or without it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from edgesr.runtimes.wording import counted

FAILURES = (RuntimeError, ValueError)
"""What it raises for a file or an input that it cannot take, or without the memory for it."""


@dataclass
class LiteRtSession:
    """An open TFLite model with one input and one output. Tensors are allocated for the size that it is given."""

    interpreter: Interpreter
    input_index: int
    output_index: int
    allocated: tuple[int, ...] | None = None

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        if image.shape != self.allocated:
            self.interpreter.resize_tensor_input(self.input_index, image.shape)
            self.interpreter.allocate_tensors()
            self.allocated = image.shape
        self.interpreter.set_tensor(self.input_index, image)
        self.interpreter.invoke()
        output: NDArray[np.float32] = self.interpreter.get_tensor(self.output_index)
        return output


def open(path: Path, threads: int, *, exact: bool = False) -> LiteRtSession:
    """Load a .tflite file; its tensors are allocated in the first call.

    ``exact`` runs LiteRT's own kernels: int8 convolutions in 32-bit sums, requantized in fixed point, as the format
    defines it. Its reference kernels (BUILTIN_REF) are several times slower and lack version 2 of DEPTH_TO_SPACE.
    """
    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if exact else OpResolverType.AUTO
    interpreter = Interpreter(model_path=str(path), num_threads=threads, experimental_op_resolver_type=kernels)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if (len(inputs), len(outputs)) != (1, 1):
        raise ValueError(
            f"it has {counted(len(inputs), 'input')} and {counted(len(outputs), 'output')}, need one of each"
        )
    return LiteRtSession(interpreter, inputs[0]["index"], outputs[0]["index"])

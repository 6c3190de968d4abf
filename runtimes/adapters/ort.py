"""ONNX Runtime, CPU execution provider."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.telemetry import switch_off_telemetry
from edgesr.runtimes.wording import counted

switch_off_telemetry()
import onnxruntime  # noqa: E402
from onnxruntime.capi import onnxruntime_pybind11_state  # noqa: E402

_FATAL = 4  # what fails is raised: ONNX Runtime need not print it too
onnxruntime.set_default_logger_severity(_FATAL)

FAILURES = (
    RuntimeError,
    ValueError,
    *(e for e in vars(onnxruntime_pybind11_state).values() if isinstance(e, type) and issubclass(e, Exception)),
)
"""What it raises for a file or an input that it cannot take, or without the memory for it."""


@dataclass(frozen=True)
class OrtSession:
    """An open ONNX model with one input and one output."""

    session: onnxruntime.InferenceSession

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self.session.run(None, {self.session.get_inputs()[0].name: image})[0]
        return output


def open(path: Path, threads: int, *, exact: bool = False) -> OrtSession:
    """Load an .onnx file; ``threads`` is the size of the intra-op pool.

    ``exact`` leaves the graph as it is: between DequantizeLinear and QuantizeLinear operators compute in float32
    instead of being fused to int8 kernels, and every float16 operator rounds its result. Operators that are integer in
    the file (ConvInteger) run on the CPU's integer kernels either way.
    """
    options = session_options(threads)
    if exact:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return open_session(path, options)


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """Options of every session of ours."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # it allocates all tensors once more on the second call: 1.5 times the memory
    return options


def open_session(path: Path, options: onnxruntime.SessionOptions) -> OrtSession:
    """Load an .onnx file with these options."""
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs, outputs = len(session.get_inputs()), len(session.get_outputs())
    if (inputs, outputs) != (1, 1):
        raise ValueError(f"it has {counted(inputs, 'input')} and {counted(outputs, 'output')}, need one of each")
    return OrtSession(session)

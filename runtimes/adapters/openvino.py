"""OpenVINO on the CPU, as a second runtime of ONNX files. Its package is imported without its telemetry."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgesr.runtimes.adapters.operator_profile import OperatorProfile
from edgesr.runtimes.adapters.pooled import MASK, MEANS, SUMS
from edgesr.runtimes.adapters.runtime import RunSettings, Runtime
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.telemetry import absent_module
from edgesr.runtimes.wording import counted

_DEVICE = "CPU"
_HINT, _THREADS = "INFERENCE_PRECISION_HINT", "INFERENCE_NUM_THREADS"


@functools.cache
def load() -> Any:
    """The package, which would import a package that sends what it is used for: without that one it has a stub."""
    with absent_module("openvino_telemetry"):
        import openvino

    return openvino


@functools.cache
def _core() -> Any:
    return load().Core()


@dataclass(frozen=True)
class OpenVinoSession:
    """A compiled model with one input and one output, but for those of a graph that pools."""

    request: Any
    pooled: int

    def run(self, image: FloatArray) -> FloatArray:
        if self.pooled:
            means = np.full((1, self.pooled), np.nan, dtype=np.float32)
            return self.run_pooled(image, means, np.ones((1, 1, *image.shape[2:]), dtype=np.float32))[0]
        return self._answers([image])[0]

    def run_pooled(self, image: FloatArray, means: FloatArray, mask: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As `edgesr.runtimes.adapters.pooled` says."""
        output, sums = self._answers([image, means, mask])
        return output, sums

    def _answers(self, inputs: list[FloatArray]) -> list[FloatArray]:
        self.request.infer(inputs, share_inputs=True)
        return [tensor.data.copy() for tensor in self.request.output_tensors]


def open(path: Path, settings: RunSettings) -> OpenVinoSession:
    """Compile an .onnx file for one stream of ``settings.threads`` threads.

    By itself it computes in bfloat16 or float16 where the CPU can: the precision is always set and read back. It has no
    exact arithmetic besides: ``settings.exact`` changes nothing.
    """
    compiled, pooled = _compiled(path, settings, {})
    return OpenVinoSession(compiled.create_infer_request(), pooled)


def _compiled(path: Path, settings: RunSettings, further: dict[str, Any]) -> tuple[Any, int]:
    """The compiled model, and how many means of pooled features it takes."""
    model = _core().read_model(str(path))
    inputs, outputs = ([value.any_name for value in values] for values in (model.inputs, model.outputs))
    pools = (inputs[1:], outputs[1:]) == ([MEANS, MASK], [SUMS])
    if not pools and (len(inputs), len(outputs)) != (1, 1):
        raise ValueError(
            f"it has {counted(len(inputs), 'input')} and {counted(len(outputs), 'output')}, need one of each"
        )
    hint = "bf16" if settings.precision == "bf16" else "f32"
    options = {_HINT: hint, _THREADS: settings.threads, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False, **further}
    compiled = _core().compile_model(model, _DEVICE, options)
    _require(compiled, hint)
    return compiled, int(model.inputs[1].partial_shape[1].get_length()) if pools else 0


def _require(compiled: Any, hint: str) -> None:
    """An EdgesrError where the CPU plugin chose another precision than it was given."""
    chosen = compiled.get_property(_HINT).to_string()
    if chosen != hint:
        raise EdgesrError(
            f"OpenVINO computes in {chosen} on this CPU, not in {hint}: run this artifact on a CPU that has it"
        )


def profile(path: Path, batch: FloatArray, settings: RunSettings, *, calls: int) -> OperatorProfile:
    raise NotImplementedError


def _failures() -> tuple[type[Exception], ...]:
    return (RuntimeError, ValueError)


RUNTIME = Runtime(
    name="openvino",
    title="OpenVINO",
    distribution="openvino",
    extra="openvino",
    load=load,
    open=open,
    profile=profile,
    failures=_failures,
)

"""OpenVINO on the CPU, as a second runtime of ONNX files. Its package is imported without its telemetry."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from edgesr.runtimes.adapters.openvino_arithmetic import execution_of, ran_as
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.operator_profile import Execution, OperatorProfile, OperatorTime
from edgesr.runtimes.interface.pooled import MASK, MEANS, SUMS
from edgesr.runtimes.interface.runtime import RunSettings, Runtime, timed_call_ms
from edgesr.runtimes.telemetry import absent_module
from edgesr.runtimes.wording import counted

_DEVICE = "CPU"
_HINT, _THREADS = "INFERENCE_PRECISION_HINT", "INFERENCE_NUM_THREADS"
_ANY_THREADS = {"ENABLE_HYPER_THREADING": True, "SCHEDULING_CORE_TYPE": "ANY_CORE"}
"""By itself it takes one thread of a core, and performance cores alone where there are some."""

_NO_CACHE = {"CPU_RUNTIME_CACHE_CAPACITY": 0}
"""By itself it keeps what it prepared for every size of an image, of which an upscaled folder has many."""

_PLACE = re.compile(r"Exception from |Check '.*' failed at ")
_ITEM = "-- "


@functools.cache
def load() -> Any:
    """The package, which would import a package that sends what it is used for: without that one it has a stub."""
    with absent_module("openvino_telemetry", package="openvino"):
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
        """Run a graph that pools, as `edgesr.runtimes.interface.pooled` says."""
        output, sums = self._answers([image, means, mask])
        return output, sums

    def _answers(self, inputs: list[FloatArray]) -> list[FloatArray]:
        with _telling_errors():
            self.request.infer(inputs, share_inputs=True)
        return [tensor.data.copy() for tensor in self.request.output_tensors]


def open(path: Path, settings: RunSettings) -> OpenVinoSession:
    """Compile an .onnx file for one stream of ``settings.threads`` threads.

    By itself it computes in bfloat16 or float16 where the CPU can: the precision is always set and read back. It has no
    exact arithmetic besides: ``settings.exact`` changes nothing.
    """
    compiled, pooled = _compiled(path, settings, {})
    return OpenVinoSession(compiled.create_infer_request(), pooled)


def inner_tensors(path: Path, batch: FloatArray, names: Sequence[str], settings: RunSettings) -> dict[str, FloatArray]:
    """Tensors inside a file with one input on a batch (1,3,h,w), as float32, by their names in it.

    What is read is not fused away, so that a tensor may differ from that of a whole run in its rounding.
    """
    model = _read(path)
    outputs = [value.any_name for value in model.outputs]
    model.add_outputs([name for name in names if name not in outputs])
    request = _compiled_model(model, settings, {}).create_infer_request()
    with _telling_errors():
        request.infer([batch])
    return {name: request.get_tensor(name).data.astype(np.float32) for name in names}


def _read(path: Path) -> Any:
    with _telling_errors():
        return _core().read_model(str(path))


@contextmanager
def _telling_errors() -> Iterator[None]:
    """Replace OpenVINO's errors, whose first lines name places in its sources, with one line that gives the reason."""
    try:
        yield
    except RuntimeError as error:
        raise RuntimeError(_reason(str(error))) from error


def _reason(text: str) -> str:
    """The line that names operators without a conversion, or else the first that is no place and no heading."""
    lines = [line.strip() for line in text.splitlines()]
    telling = [line for line in lines if line and not _PLACE.match(line) and not line.endswith(":")]
    listed = [line.removeprefix(_ITEM) for line in telling if line.startswith(_ITEM)]
    return next(iter(listed + telling), text)


def _compiled(path: Path, settings: RunSettings, further: dict[str, Any]) -> tuple[Any, int]:
    """The compiled model, and how many means of pooled features it takes."""
    model = _read(path)
    inputs, outputs = ([value.any_name for value in values] for values in (model.inputs, model.outputs))
    pools = (inputs[1:], outputs[1:]) == ([MEANS, MASK], [SUMS])
    if not pools and (len(inputs), len(outputs)) != (1, 1):
        raise ValueError(
            f"it has {counted(len(inputs), 'input')} and {counted(len(outputs), 'output')}, need one of each"
        )
    compiled = _compiled_model(model, settings, further)
    return compiled, int(model.inputs[1].partial_shape[1].get_length()) if pools else 0


def _compiled_model(model: Any, settings: RunSettings, further: dict[str, Any]) -> Any:
    hint = "bf16" if settings.precision == "bf16" else "f32"
    threads = {_THREADS: settings.threads, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False, **_ANY_THREADS}
    with _telling_errors():
        compiled = _core().compile_model(model, _DEVICE, {_HINT: hint, **threads, **_NO_CACHE, **further})
    _require(compiled, hint, settings.threads)
    return compiled


def _require(compiled: Any, hint: str, threads: int) -> None:
    """Raise an EdgesrError where the CPU plugin chose another precision than it was given, or fewer threads."""
    chosen = compiled.get_property(_HINT).to_string()
    if chosen != hint:
        raise EdgesrError(f"OpenVINO computes in {chosen} on this CPU, not in {hint}: take a CPU that has it")
    most = compiled.get_property(_THREADS)
    if most != threads:
        raise EdgesrError(
            f"OpenVINO runs {counted(most, 'thread')} at most on this machine, not {threads}: take --threads {most} or "
            "fewer"
        )


def profile(path: Path, batch: FloatArray, settings: RunSettings, *, calls: int) -> OperatorProfile:
    """Time every operator that runs on a batch (1,3,h,w): its mean over the calls after the first."""
    compiled, pooled = _compiled(path, settings, {"PERF_COUNT": True})
    session = OpenVinoSession(compiled.create_infer_request(), pooled)
    session.run(batch)
    first = {node.node_name: _mean_ms(node) for node in _ran(session.request)}  # not all that run later
    wholes = [timed_call_ms(session, batch) for _ in range(calls)]
    operators = tuple(
        OperatorTime(
            name=node.node_name,
            kind=node.node_type,
            output="",
            ms=max((_mean_ms(node) * (calls + 1) - first.get(node.node_name, 0.0)) / calls, 0.0),
            ran_as=ran_as(node.node_type, node.exec_type),
        )
        for node in _ran(session.request)
    )
    return OperatorProfile(
        calls=calls,
        call_ms=median(wholes),
        operators=operators,
        why_no_times=None,
        delegation=None,
        execution=execution_of(operators, settings.precision),
    )


def execution(path: Path, batch: FloatArray, settings: RunSettings) -> Execution | None:
    """The arithmetic that the layers run in: convolutions and matrix products."""
    return profile(path, batch, settings, calls=1).execution


def _ran(request: Any) -> list[Any]:
    """The text about the nodes that ran, in their order."""
    return [node for node in request.profiling_info if node.status == node.Status.EXECUTED]


def _mean_ms(node: Any) -> float:
    """The mean time of all calls so far, in milliseconds."""
    return float(node.real_time.total_seconds()) * 1000


RUNTIME = Runtime(
    name="openvino",
    title="OpenVINO",
    distribution="openvino",
    extra="openvino",
    load=load,
    open=open,
    profile=profile,
    failures=lambda: (RuntimeError, ValueError, MemoryError),
    execution=execution,
    exact_arithmetic=False,
)

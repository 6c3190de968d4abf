"""ONNX Runtime, on its CPU execution provider or on others next to it, and its own profiler."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.operator_profile import Execution, OperatorProfile, OperatorTime, execution_parts
from edgesr.runtimes.interface.pooled import MASK, MEANS, SUMS
from edgesr.runtimes.interface.runtime import Provider, RunSettings, Runtime
from edgesr.runtimes.json_file import parse_json
from edgesr.runtimes.telemetry import switch_off_telemetry
from edgesr.runtimes.wording import counted

_FATAL = 4  # what fails is raised: ONNX Runtime need not print it too
_PROVIDER = "ExecutionProvider"
_CPU = f"CPU{_PROVIDER}"
_KERNEL_TIME = "_kernel_time"
_MOST = 0.5


@functools.cache
def load() -> Any:
    """The package, without its telemetry and its log."""
    switch_off_telemetry()
    import onnxruntime

    onnxruntime.set_default_logger_severity(_FATAL)
    return onnxruntime


def providers() -> tuple[str, ...]:
    """The execution providers of this package by their short names: "xnnpack" is XnnpackExecutionProvider."""
    return tuple(map(_short, load().get_available_providers()))


def _short(provider: str) -> str:
    return provider.removesuffix(_PROVIDER).lower()


def _failures() -> tuple[type[Exception], ...]:
    load()
    from onnxruntime.capi import onnxruntime_pybind11_state

    own = [e for e in vars(onnxruntime_pybind11_state).values() if isinstance(e, type) and issubclass(e, Exception)]
    return (RuntimeError, ValueError, *own)


@dataclass(frozen=True)
class OrtSession:
    """An open ONNX model with one input and one output, but for those of a graph that pools."""

    session: Any

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        given, *pooled = self.session.get_inputs()
        if pooled:
            means = np.full((1, pooled[0].shape[1]), np.nan, dtype=np.float32)
            return self.run_pooled(image, means, np.ones((1, 1, *image.shape[2:]), dtype=np.float32))[0]
        output: NDArray[np.float32] = self.session.run(None, {given.name: image})[0]
        return output

    def run_pooled(self, image: FloatArray, means: FloatArray, mask: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Run a graph that pools, as `edgesr.runtimes.interface.pooled` says."""
        name = self.session.get_inputs()[0].name
        output, sums = self.session.run(None, {name: image, MEANS: means, MASK: mask})
        return output, sums


def open(path: Path, settings: RunSettings) -> OrtSession:
    """Load an .onnx file; the threads of ``settings`` are the size of the intra-op pool.

    Exact arithmetic leaves the graph as it is: between DequantizeLinear and QuantizeLinear operators compute in float32
    instead of being fused to int8 kernels, and every float16 operator rounds its result. Operators that are integer in
    the file (ConvInteger) run on the CPU's integer kernels either way.
    """
    options = session_options(settings.threads)
    if settings.shares_cores:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if settings.exact:
        options.graph_optimization_level = load().GraphOptimizationLevel.ORT_DISABLE_ALL
    return open_session(path, options, settings.provider)


def session_options(threads: int) -> Any:
    """Options of every session of ours."""
    options = load().SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # it allocates all tensors once more on the second call: 1.5 times the memory
    return options


def open_session(path: Path, options: Any, provider: str | None = None) -> OrtSession:
    """Load an .onnx file with these options, on the CPU provider behind another one that was asked for."""
    full = {_short(name): name for name in load().get_available_providers()}
    chosen = [_CPU] if provider is None else [*dict.fromkeys((full[provider], _CPU))]
    session = load().InferenceSession(str(path), options, providers=chosen)
    inputs, outputs = ([value.name for value in values] for values in (session.get_inputs(), session.get_outputs()))
    pools = (inputs[1:], outputs[1:]) == ([MEANS, MASK], [SUMS])
    if not pools and (len(inputs), len(outputs)) != (1, 1):
        raise ValueError(
            f"it has {counted(len(inputs), 'input')} and {counted(len(outputs), 'output')}, need one of each"
        )
    return OrtSession(session)


def profile(path: Path, batch: NDArray[np.float32], settings: RunSettings, *, calls: int) -> OperatorProfile:
    """Time every operator of the optimised graph on a batch (1,3,h,w)."""
    with tempfile.TemporaryDirectory(prefix="edgesr-profile-") as folder:
        options = session_options(settings.threads)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = open_session(path, options, settings.provider)
        for _ in range(calls + 1):
            session.run(batch)
        events = parse_json(Path(session.session.end_profiling()).read_bytes())
    found = read_profile(events, calls)
    return found if settings.provider is None else replace(found, execution=_execution_of(found, settings.provider))


def execution(path: Path, batch: FloatArray, settings: RunSettings) -> Execution | None:
    """The providers that run the operators, if one was asked for."""
    return None if settings.provider is None else profile(path, batch, settings, calls=1).execution


def _execution_of(found: OperatorProfile, provider: str) -> Execution:
    """The execution, with a warning if most of the operators' time passed on other providers than the one that was
    asked for.
    """
    parts = execution_parts(found.operators)
    others = [part for part in parts if part.ran_as != provider]
    names = ", ".join(sorted(part.ran_as for part in others))
    share = sum(part.share for part in others)
    warning = None
    if len(others) == len(parts):
        warning = f"no operator ran on {provider}, ONNX Runtime ran all on {names}"
    elif share > _MOST:
        count, total = (sum(part.operators for part in some) for some in (others, parts))
        warning = (
            f"ONNX Runtime ran {count} of {counted(total, 'operator')}, {share:.0%} of the time, on {names}, not on "
            f"{provider}"
        )
    return Execution(parts=parts, warning=warning)


def read_profile(events: list[dict[str, Any]], calls: int) -> OperatorProfile:
    """The operators of a profile of ``calls`` + 1 calls: their events follow one another, call after call."""
    nodes = [event for event in events if event["cat"] == "Node" and event["name"].endswith(_KERNEL_TIME)]
    wholes = [event["dur"] / 1000 for event in events if event["name"] == "model_run"]
    count = len(nodes) // (calls + 1)
    runs = [nodes[count * call : count * (call + 1)] for call in range(1, calls + 1)]
    names = {tuple(event["name"] for event in run) for run in runs}
    if len(wholes) != calls + 1 or len(nodes) != count * (calls + 1) or len(names) != 1:
        raise EdgesrError(f"ONNX Runtime did not record all {calls + 1} calls alike: profile fewer with --calls")
    return OperatorProfile(
        calls=calls,
        call_ms=median(wholes[1:]),
        operators=tuple(_operator([run[place] for run in runs]) for place in range(count)),
        why_no_times=None,
        delegation=None,
    )


def _operator(events: list[dict[str, Any]]) -> OperatorTime:
    """One operator from its event in each call."""
    first = events[0]
    shapes = first["args"].get("output_type_shape", [])
    sides = next(iter(shapes[0].values())) if shapes else []
    return OperatorTime(
        name=first["name"].removesuffix(_KERNEL_TIME),
        kind=first["args"]["op_name"],
        output="x".join(map(str, sides)),
        ms=median(event["dur"] / 1000 for event in events),
        ran_as=_short(first["args"].get("provider", "")),
    )


_KNOWN = (
    Provider(name="cpu", title="its own kernels, the default", tested=True),
    Provider(name="azure", title="models on a server: runs no operator of a file", tested=True),
    Provider(name="xnnpack", title="XNNPACK on CPUs of phones"),
    Provider(name="nnapi", title="Android's NNAPI"),
    Provider(name="qnn", title="Qualcomm's NPUs"),
    Provider(name="coreml", title="Apple's Core ML"),
    Provider(name="openvino", title="OpenVINO inside ONNX Runtime"),
    Provider(name="cuda", title="NVIDIA's GPUs"),
    Provider(name="tensorrt", title="NVIDIA's TensorRT"),
    Provider(name="dml", title="DirectML on Windows"),
    Provider(name="webgpu", title="GPUs by WebGPU"),
    Provider(name="acl", title="Arm's Compute Library"),
)

RUNTIME = Runtime(
    name="ort",
    title="ONNX Runtime",
    distribution="onnxruntime",
    extra="onnx",
    load=load,
    open=open,
    profile=profile,
    failures=_failures,
    execution=execution,
    providers=providers,
    known_providers=_KNOWN,
    saturates_without_vnni=True,
)

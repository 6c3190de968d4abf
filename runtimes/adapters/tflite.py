"""LiteRT (TensorFlow Lite) with its default XNNPACK delegate, or without it, and what that delegate takes of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.bundle.delegation import Delegation, GraphOperator, read_partitions
from edgesr.runtimes.delegates.registry import all_refusals
from edgesr.runtimes.delegates.rules import Refusals
from edgesr.runtimes.delegates.tflite_file import operators_of
from edgesr.runtimes.interface.operator_profile import OperatorProfile
from edgesr.runtimes.interface.runtime import RunSettings, Runtime, profile_of_calls
from edgesr.runtimes.wording import counted

_DELEGATE_NODE = "DELEGATE"
_NO_TIMES = "LiteRT's Python package has no operator profiler"


def load() -> Any:
    """The package's module of interpreters."""
    from ai_edge_litert import interpreter

    return interpreter


@dataclass
class LiteRtSession:
    """An open TFLite model with one input and one output. Tensors are allocated for the size that it is given."""

    interpreter: Any
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


def open(path: Path, settings: RunSettings) -> LiteRtSession:
    """Load a .tflite file; its tensors are allocated in the first call.

    Exact arithmetic is that of LiteRT's own kernels: int8 convolutions in 32-bit sums, requantized in fixed point, as
    the format defines it. Its reference kernels (BUILTIN_REF) are several times slower and lack version 2 of
    DEPTH_TO_SPACE.
    """
    kinds = load().OpResolverType
    kernels = kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES if settings.exact else kinds.AUTO
    interpreter = load().Interpreter(
        model_path=str(path), num_threads=settings.threads, experimental_op_resolver_type=kernels
    )
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if (len(inputs), len(outputs)) != (1, 1):
        raise ValueError(
            f"it has {counted(len(inputs), 'input')} and {counted(len(outputs), 'output')}, need one of each"
        )
    return LiteRtSession(interpreter, inputs[0]["index"], outputs[0]["index"])


def profile(path: Path, batch: NDArray[np.float32], settings: RunSettings, *, calls: int) -> OperatorProfile:
    """Parts that the delegate takes of a file, and the time of whole calls on a batch (1,h,w,3)."""
    session = open(path, settings)
    found = profile_of_calls(session, batch, calls=calls, why_no_times=_NO_TIMES)
    return replace(found, delegation=_delegation(session.interpreter), refusals=refusals(path))


def refusals(path: Path) -> tuple[Refusals, ...]:
    """The operators that delegates of phones would refuse in a file, by their published lists."""
    return all_refusals(operators_of(path))


def delegation_of(path: Path) -> Delegation:
    """The part of a file that the default delegate takes at the size that the file has."""
    interpreter = load().Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    return _delegation(interpreter)


def _delegation(interpreter: Any) -> Delegation:
    details = interpreter._get_ops_details()
    operators = [_operator(one) for one in details if one["op_name"] != _DELEGATE_NODE]
    return read_partitions(operators, [_operator(one) for one in details if one["op_name"] == _DELEGATE_NODE])


def _operator(details: Mapping[str, Any]) -> GraphOperator:
    return GraphOperator(
        kind=details["op_name"],
        inputs=tuple(str(index) for index in details["inputs"] if index >= 0),
        outputs=tuple(map(str, details["outputs"])),
    )


RUNTIME = Runtime(
    name="tflite",
    title="LiteRT (TensorFlow Lite)",
    distribution="ai-edge-litert",
    extra="tflite",
    load=load,
    open=open,
    profile=profile,
    refusals=refusals,
    failures=lambda: (RuntimeError, ValueError),
)

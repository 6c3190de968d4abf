"""TorchScript Lite interpreter with PyTorch's profiler (legacy: PyTorch names ExecuTorch as its successor)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.allocator import BoundedHeap
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.operator_profile import OperatorProfile, OperatorTime
from edgesr.runtimes.interface.runtime import RunSettings, Runtime

_CALL = "edgesr.call"
_HEAP_BYTES = 12_000_000
"""What the heap may keep free of answers that another thread gives back: 50 MB were seen without a bound."""
_GROWTH_BYTES = 15_000_000
"""That, and what calls add before it is noticed, as measured."""


def load() -> Any:
    """The package."""
    import torch

    return torch


@dataclass(frozen=True)
class TorchScriptLiteSession:
    """An open .ptl model with one input and one output."""

    module: Any
    heap: BoundedHeap = field(default_factory=lambda: BoundedHeap(_HEAP_BYTES))

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        torch = load()
        with torch.inference_mode():
            answer = self.module(torch.from_numpy(image))
        if not isinstance(answer, torch.Tensor):
            raise RuntimeError(f"it answers a {type(answer).__name__}, need a tensor")
        output: NDArray[np.float32] = answer.numpy()
        self.heap.after(image.shape[2] * image.shape[3])
        return output


def open(path: Path, settings: RunSettings) -> TorchScriptLiteSession:
    """Load a .ptl file. PyTorch has one thread pool a process: the threads of ``settings`` are those of all sessions.

    The interpreter has one arithmetic, which is exact.
    """
    load().set_num_threads(settings.threads)
    from torch.jit.mobile import _load_for_lite_interpreter

    return TorchScriptLiteSession(_load_for_lite_interpreter(str(path)))  # type: ignore[no-untyped-call]


def profile(path: Path, batch: NDArray[np.float32], settings: RunSettings, *, calls: int) -> OperatorProfile:
    """Time every operator of a file on a batch (1,3,h,w); what an operator calls itself counts to it."""
    session = open(path, settings)
    session.run(batch)
    runs = [_one_call(session, batch) for _ in range(calls)]
    names = [tuple(event.name for event in operators) for operators, _ in runs]
    if len(set(names)) != 1:
        raise EdgesrError("PyTorch's profiler did not record all calls alike: profile fewer with --calls")
    return OperatorProfile(
        calls=calls,
        call_ms=median(whole for _, whole in runs),
        operators=tuple(
            _operator(place, [operators[place] for operators, _ in runs]) for place in range(len(names[0]))
        ),
        why_no_times=None,
        delegation=None,
    )


def _one_call(session: TorchScriptLiteSession, batch: NDArray[np.float32]) -> tuple[list[Any], float]:
    """The outermost events of one call in order, and its time in ms."""
    torch = load()
    with (
        torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True) as profiler,
        torch.profiler.record_function(_CALL),
    ):
        session.run(batch)
    events = profiler.events() or []
    call = next(event for event in events if event.name == _CALL)
    inside = sorted((e for e in events if e.cpu_parent is call), key=lambda e: e.time_range.start)
    return inside, call.cpu_time_total / 1000


def _operator(place: int, events: list[Any]) -> OperatorTime:
    """The operator at a place in the order of execution, from its event in each call."""
    kind = events[0].name
    times = [event.cpu_time_total / 1000 for event in events]
    return OperatorTime(name=f"{kind} {place}", kind=kind, output="", ms=median(times))


RUNTIME = Runtime(
    name="torchscript",
    title="TorchScript Lite",
    distribution="torch",
    extra="torchscript",
    load=load,
    open=open,
    profile=profile,
    failures=lambda: (RuntimeError,),
    successor="executorch",
    needs_torch=True,
    memory_growth_bytes=_GROWTH_BYTES,
)

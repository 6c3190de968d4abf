"""ExecuTorch with its XNNPACK delegate. Its Python package imports torch.

A file takes sizes up to the one that its memory is planned for. ExecuTorch itself takes some that are too long and
fails for others in the middle of a call: sizes are checked here.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Iterable
from contextlib import redirect_stderr
from pathlib import Path
from statistics import median
from threading import RLock
from typing import Any

import numpy as np

from edgesr.runtimes.adapters.executorch_file import read_pte
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.operator_profile import OperatorProfile, OperatorTime
from edgesr.runtimes.interface.runtime import RunSettings, Runtime, timed_call_ms
from edgesr.runtimes.interface.standard_streams import silent_standard_error
from edgesr.runtimes.wording import counted

_METHOD = "forward"
_CALL = "Method::execute"
_AROUND = ("OPERATOR_CALL", "DELEGATE_CALL", _CALL)
_NATIVE = "native_call_"


def load() -> Any:
    """The package's extension, which is linked to torch's libraries.

    Its modules in Python import the whole exporter, for seconds, and set a variable of the environment.
    """
    import torch  # noqa: F401
    from executorch.extension.pybindings import _C

    return _C


class _ThreadPool:
    """ExecuTorch's one pool of threads a process.

    A method computes in the pool that it was loaded with. A pool with another number of threads takes its place and
    frees it: a method that is called afterwards would read freed memory, so that it has to be loaded again.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self._replaced = 0

    def with_threads(self, threads: int) -> int:
        """Give the process a pool of so many threads; how often it was replaced, which tells pools apart."""
        package = load()
        if package._threadpool_get_thread_count() != threads:
            package._unsafe_reset_threadpool(threads)
            self._replaced += 1
        return self._replaced


_POOL = _ThreadPool()


class ExecuTorchSession:
    """An open program with one input and one output, computed with so many threads.

    ``largest`` is the shape that its memory is planned for. Its sessions of one process take turns.
    """

    def __init__(self, program: Any, threads: int) -> None:
        self.program = program
        self._threads = threads
        self._method: Any = None
        self._pool = -1
        self.largest: tuple[int, ...] = tuple(self._loaded().method_meta().input_tensor_meta(0).sizes())

    def run(self, image: FloatArray) -> FloatArray:
        import torch

        self._require(image)
        with _POOL.lock:
            (answer,) = self._loaded()((torch.from_numpy(image),))  # a copy: the next call does not touch it
        if not isinstance(answer, torch.Tensor):
            raise RuntimeError(f"it answers a {type(answer).__name__}, need a tensor")
        output: FloatArray = answer.numpy()
        return output

    def _loaded(self) -> Any:
        """The method, loaded with the pool that there is now."""
        pool = _POOL.with_threads(self._threads)
        if pool != self._pool:
            self._method = None  # its memory is free for the new one
            self._method, self._pool = self.program.load_method(_METHOD), pool
        return self._method

    def _require(self, image: FloatArray) -> None:
        """Raise a ValueError for what the program was not made for."""
        most = self.largest
        alike = image.ndim == len(most) == 4 and image.shape[:2] == most[:2] and image.dtype == np.float32
        if not alike or image.shape[2] > most[2] or image.shape[3] > most[3]:
            raise ValueError(
                f"it takes {_shown(most)} at most, in float32, and not {_shown(image.shape)} in {image.dtype}"
            )


def open(path: Path, settings: RunSettings) -> ExecuTorchSession:
    """Load a .pte file. Its kernels are those that the file was made for: there are no others for exact arithmetic."""
    return _open(path, settings)


def _open(path: Path, settings: RunSettings, *, traced: bool = False) -> ExecuTorchSession:
    package = load()
    with _POOL.lock, silent_standard_error(), redirect_stderr(io.StringIO()):  # it tells how it counted the CPUs
        _POOL.with_threads(settings.threads)
        program = package._load_program(str(path), enable_etdump=traced)
        names = [program.get_method_name(place) for place in range(program.num_methods())]
        if names != [_METHOD]:
            raise ValueError(f"it has the methods {', '.join(names)}, need {_METHOD} alone")
        about = program.method_meta(_METHOD)
        inputs, outputs = about.num_inputs(), about.num_outputs()
        if (inputs, outputs) != (1, 1):
            raise ValueError(f"it has {counted(inputs, 'input')} and {counted(outputs, 'output')}, need one of each")
        return ExecuTorchSession(program, settings.threads)


def profile(path: Path, batch: FloatArray, settings: RunSettings, *, calls: int) -> OperatorProfile:
    """Time every operator of a file on a batch (1,c,h,w), inside the delegate too, from ExecuTorch's own trace."""
    session = _open(path, settings, traced=True)
    session.run(batch)
    times = [timed_call_ms(session, batch) for _ in range(calls)]
    return OperatorProfile(
        calls=calls,
        call_ms=median(times),
        operators=tuple(_operators(session, calls)),
        why_no_times=None,
        delegation=read_pte(path).delegation,
    )


def _operators(session: ExecuTorchSession, calls: int) -> Iterable[OperatorTime]:
    """The operators of the last ``calls`` calls; the first call is in the trace too."""
    with tempfile.TemporaryDirectory(prefix="edgesr-trace-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there are no values of tensors in the trace
        with silent_standard_error():
            from executorch.devtools import Inspector
        trace = Path(folder) / "trace.etdp"
        session.program.write_etdump_result_to_file(str(trace), str(Path(folder) / "buffers"))
        (block,) = [one for one in Inspector(etdump_path=str(trace)).event_blocks if _CALL in _names(one)]
    events = [event for event in block.events if event.name not in _AROUND]
    if any(event.perf_data is None or len(event.perf_data.raw) != calls + 1 for event in events):
        raise EdgesrError("ExecuTorch's trace does not have all calls: profile fewer with --calls")
    for place, event in enumerate(events):
        kind = event.name.removeprefix(_NATIVE).partition(" #")[0]
        yield OperatorTime(name=f"{kind} {place}", kind=kind, output="", ms=median(event.perf_data.raw[1:]))


def _names(block: Any) -> set[str]:
    return {event.name for event in block.events}


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


RUNTIME = Runtime(
    name="executorch",
    title="ExecuTorch (XNNPACK)",
    distribution="executorch",
    extra="executorch",
    load=load,
    open=open,
    profile=profile,
    failures=lambda: (RuntimeError, ValueError),
    exact_arithmetic=False,
    needs_torch=True,
)

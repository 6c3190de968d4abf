"""MNN on the CPU.

How a convolution is computed is chosen at a session's first call, for the size of its image, and stays: every session
makes that call when it is opened, on an image of the size that its file names, so that no answer depends on those
before it. What a session asks for is read from one place of the process then, and so are the threads later.
"""

from __future__ import annotations

import functools
import re
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import REFERENCE, Size, Tolerance
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.interface.operator_profile import OperatorProfile
from edgesr.runtimes.interface.runtime import RunSettings, Runtime, profile_of_calls
from edgesr.runtimes.interface.standard_streams import silent_standard_output
from edgesr.runtimes.wording import counted

_NO_TIMES = "MNN's Python package tells no times of the operators of a module"
_FIRST_IMAGE = re.compile(r"edgesr (\d+)x(\d+)x(\d+)")
_GREY = 128.0
_WINOGRAD_LEVEL = 3
"""The number of the hint that bounds the blocks of Winograd convolutions (MNN's Interpreter.hpp)."""
_LARGEST_BLOCKS, _SMALL_BLOCKS = 3, 1
_FAST_FLOAT32 = Tolerance(min_psnr_db=85.0, max_abs_error=0.25, max_mean_shift=0.002, max_border_error=0.25)
_OPENING = threading.Lock()
_OPEN: weakref.WeakSet[MnnSession] = weakref.WeakSet()


@functools.cache
def load() -> Any:
    """The package, which prints what the CPU has when it is imported.

    ``MNN.tools`` is never imported: its import alone installs a package from the network.
    """
    with silent_standard_output():
        import MNN.expr
        import MNN.nn

    return MNN


def first_image(channels: int, size: Size) -> str:
    """The text in a file that names the channels and the size of the image of its first call."""
    return f"edgesr {channels}x{size[0]}x{size[1]}"


@dataclass(frozen=True, eq=False)
class MnnSession:
    """An open model with one input and one output, or with ``outputs`` of these names.

    The runtime ``manager`` lives as long as its module.
    """

    module: Any
    manager: Any
    threads: int
    channels: int
    outputs: tuple[str, ...]

    def run(self, image: FloatArray) -> FloatArray:
        return self.answers(image)[0]

    def answers(self, image: FloatArray) -> list[FloatArray]:
        """All outputs. An image (1,c,h,w) is checked: MNN would take other shapes for some of its own."""
        taken = image.ndim == 4 and image.shape[:2] == (1, self.channels) and image.dtype == np.float32
        if not taken or 0 in image.shape:
            raise ValueError(
                f"it takes 1x{self.channels}xhxw in float32, and not {_shown(image.shape)} in {image.dtype}"
            )
        expressions = load().expr
        given = expressions.const(np.ascontiguousarray(image), list(image.shape), expressions.NCHW)
        answers = self.module.forward([given])
        if len(answers) != len(self.outputs):
            raise RuntimeError(f"it cannot run an input of {_shown(image.shape)}")
        return [np.array(expressions.convert(one, expressions.NCHW).read(), dtype=np.float32) for one in answers]


def open(path: Path, settings: RunSettings) -> MnnSession:
    """Load a .mnn file. Exact arithmetic is that of Winograd convolutions in small blocks, whose sums lose less."""
    session = _opened(path, settings, ())
    if len(session.outputs) != 1:
        raise ValueError(f"it has {counted(len(session.outputs), 'output')}, need one")
    return session


def read_tensors(path: Path, image: FloatArray, names: Sequence[str], settings: RunSettings) -> list[FloatArray]:
    """Inner tensors of a model (c,h,w) on an image (1,c,h,w), by their names in the file."""
    return [tensor[0] for tensor in _opened(path, settings, tuple(names)).answers(image)]


def _opened(path: Path, settings: RunSettings, names: tuple[str, ...]) -> MnnSession:
    """A session that gives the named tensors, or the outputs, and that made its first call."""
    package = load()
    with _OPENING:
        _require_same_threads(settings.threads)
        with silent_standard_output():
            manager = package.nn.create_runtime_manager(
                ({"backend": "CPU", "numThread": settings.threads, "precision": "high"},)
            )
            manager.set_hint(_WINOGRAD_LEVEL, _SMALL_BLOCKS if settings.exact else _LARGEST_BLOCKS)
            info = _loaded(path, manager).get_info()
            channels, size = _first_image(info)
            outputs = names or tuple(info["outputNames"])
            module = _loaded(path, manager, info["inputNames"], list(outputs))
            session = MnnSession(module, manager, settings.threads, channels, outputs)
            session.answers(np.full((1, channels, *size), _GREY, dtype=np.float32))
        _OPEN.add(session)
    return session


def _loaded(path: Path, manager: Any, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> Any:
    """A module of these inputs and outputs, without names of those that the file tells."""
    try:
        return load().nn.load_module_from_file(str(path), [*inputs], [*outputs], runtime_manager=manager)
    except SystemError as error:
        raise ValueError("MNN refuses it: it is damaged, or has an operator that this MNN lacks") from error


def _first_image(info: dict[str, Any]) -> tuple[int, Size]:
    """Channels and size of the first image, by what MNN reads from the file."""
    if len(info["inputNames"]) != 1:
        raise ValueError(f"it has {counted(len(info['inputNames']), 'input')}, need one")
    found = _FIRST_IMAGE.fullmatch(info["bizCode"])
    if found is None:
        raise ValueError("it does not tell its channels: it was not made by edgesr export")
    channels, height, width = map(int, found.groups())
    return channels, (height, width)


def _require_same_threads(threads: int) -> None:
    """Raise an InputError where sessions with another number are open: the threads of one would wait busily in the
    other.
    """
    others = {session.threads for session in _OPEN} - {threads}
    if others:
        raise InputError(
            f"MNN: a session with {counted(min(others), 'thread')} is open, and all sessions of a process share their "
            f"threads; close it before one with {threads} is opened, ask for {min(others)}, or use another process"
        )


def profile(path: Path, batch: FloatArray, settings: RunSettings, *, calls: int) -> OperatorProfile:
    """The time of whole calls on a batch (1,c,h,w)."""
    return profile_of_calls(open(path, settings), batch, calls=calls, why_no_times=_NO_TIMES)


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


RUNTIME = Runtime(
    name="mnn",
    title="MNN",
    distribution="mnn",
    extra="mnn",
    load=load,
    open=open,
    profile=profile,
    failures=lambda: (RuntimeError, ValueError),
    own_tolerances={REFERENCE: _FAST_FLOAT32},
)

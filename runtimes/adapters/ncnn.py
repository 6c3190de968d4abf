"""ncnn on the CPU. A model is two files: the graph, a text (.param), which is opened, and next to it weights (.bin).

ncnn's defaults compute in float16 where the CPU and the build can (arm64), whatever the file holds: every such option
is set here. Elsewhere it computes in float32 without a word: `execution` tells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgesr.runtimes.allocator import BoundedHeap
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import REFERENCE, Precision
from edgesr.runtimes.interface.operator_profile import Execution, ExecutionPart, OperatorProfile
from edgesr.runtimes.interface.runtime import RunSettings, Runtime, profile_of_calls
from edgesr.runtimes.interface.standard_streams import silent_standard_error
from edgesr.runtimes.wording import counted

WEIGHTS_SUFFIX = ".bin"
_NO_TIMES = "ncnn's Python package has no operator profiler"
_HALF = ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic")
_BFLOAT = ("use_bf16_packed", "use_bf16_storage")
_REDUCED = (*_HALF, *_BFLOAT, "use_int8_inference")
_NEEDED: dict[Precision, tuple[str, ...]] = {"fp16a": _HALF, "bf16": _BFLOAT, "int8": ("use_int8_inference",)}
"""The options of reduced precision that a file of a precision runs with; all others are off."""
_FLOAT32 = "float32"
_ARITHMETIC: dict[Precision, str] = {"fp16a": "float16", "bf16": "bfloat16"}
_SLACK_BYTES = 8_000_000
_FAST_KERNELS = ("use_packing_layout", "use_sgemm_convolution", "use_winograd_convolution")


def load() -> Any:
    """The package."""
    import ncnn

    return ncnn


@dataclass
class _CallMemory:
    """The memory of calls. ``pools`` hold it, and outlive the net.

    Calls on images of one ``shape`` use the same blocks again: to give them back after every call costs up to half of
    its time. What is free in the pools fits no image of another shape, and would add up: they are emptied before one.
    """

    pools: tuple[Any, ...]
    shape: tuple[int, ...] = ()
    heap: BoundedHeap = field(default_factory=lambda: BoundedHeap(_SLACK_BYTES))

    def before(self, shape: tuple[int, ...]) -> None:
        """Make room for a call on an image of a shape."""
        if shape != self.shape:
            for pool in self.pools:
                pool.clear()
            self.shape = shape

    def after(self) -> None:
        """Bound what the last call left."""
        self.heap.after(self.shape[2] * self.shape[3])


@dataclass(frozen=True)
class NcnnSession:
    """An open model with one input and one output. ``channels`` of the input, None where the file does not tell."""

    net: Any
    memory: _CallMemory
    channels: int | None

    def run(self, image: FloatArray) -> FloatArray:
        _require_input(image, self.channels)
        self.memory.before(image.shape)
        try:
            return _extracted(self.net, image, self.net.output_names())[0][None]
        finally:
            self.memory.after()


def open(path: Path, settings: RunSettings) -> NcnnSession:
    """Load a .param file and the .bin next to it.

    Weights of fp16 files are float16, and computed in float32. Exact arithmetic is that of the plain kernels, one sum
    an output; what float16 and bfloat16 compute depends on the CPU there too.
    """
    pools = (load().PoolAllocator(), load().PoolAllocator())
    net = load().Net()
    net.opt.blob_allocator, net.opt.workspace_allocator = pools
    _read(net, path, settings)
    inputs, outputs = len(net.input_names()), len(net.output_names())
    if (inputs, outputs) != (1, 1):
        raise ValueError(f"it has {counted(inputs, 'input')} and {counted(outputs, 'output')}, need one of each")
    return NcnnSession(net, _CallMemory(pools), _input_channels(path))


def read_tensors(path: Path, image: FloatArray, names: Sequence[str], settings: RunSettings) -> list[FloatArray]:
    """Inner tensors of a model (c,h,w) on an image (1,c,h,w), by the names that the .param file gives them."""
    net = load().Net()
    net.opt.lightmode = False  # which would give every tensor's memory to the next
    _read(net, path, settings)
    _require_input(image, _input_channels(path))
    return _extracted(net, image, names)


def _require_input(image: FloatArray, channels: int | None) -> None:
    """Raise a ValueError for what ncnn does not check: it would read beyond the end, or read other values as
    float32.
    """
    if image.ndim != 4 or image.shape[0] != 1 or channels not in (None, image.shape[1]) or image.dtype != np.float32:
        raise ValueError(f"it takes 1x{channels or 'c'}xhxw in float32, and not {_shown(image.shape)} in {image.dtype}")


def _extracted(net: Any, image: FloatArray, names: Sequence[str]) -> list[FloatArray]:
    """Tensors (c,h,w) of a net on an image (1,c,h,w) that was checked, by their names."""
    (given,) = net.input_names()
    extractor = net.create_extractor()
    values = np.ascontiguousarray(image[0])  # a Mat of an array does not keep it, and is computed in place
    if extractor.input(given, load().Mat(values).clone()) != 0:
        raise RuntimeError(f"it takes no input of {_shown(image.shape[1:])}")
    found = [extractor.extract(name) for name in names]
    if any(code != 0 for code, _ in found):
        raise RuntimeError(f"it cannot run an input of {_shown(image.shape[1:])}")
    return [np.array(tensor, dtype=np.float32) for _, tensor in found]


def _read(net: Any, path: Path, settings: RunSettings) -> None:
    """Load both files into a net, whose options are set before."""
    set_options(net.opt, settings)
    weights = path.with_suffix(WEIGHTS_SUFFIX)
    if not weights.is_file():
        raise ValueError(f"there is no {weights.name} next to it")
    for file, read in ((path, net.load_param), (weights, net.load_model)):
        with silent_standard_error():  # ncnn's lines on what it refuses are many, and the error says it in one
            code = read(str(file))
        if code != 0:
            raise ValueError(f"ncnn refuses {file.name}: it is damaged, or has a layer that this ncnn lacks")


def _input_channels(path: Path) -> int | None:
    """Parameter 2 of the first layer, Input, which ncnn itself does not check an image against."""
    _, _, first, *_ = path.read_text().splitlines()
    found = re.search(r"^Input\s.*\s2=(\d+)\b", first)
    return None if found is None else int(found[1])


def set_options(options: Any, settings: RunSettings) -> None:
    """Set what a model is run with; ncnn reads it when the model is loaded."""
    options.num_threads = settings.threads
    options.use_vulkan_compute = False
    needed = _NEEDED.get(settings.precision, ())
    for name in _REDUCED:
        setattr(options, name, name in needed)
    for name in _FAST_KERNELS:
        setattr(options, name, not settings.exact)


def profile(path: Path, batch: FloatArray, settings: RunSettings, *, calls: int) -> OperatorProfile:
    """The time of whole calls on a batch (1,c,h,w)."""
    found = profile_of_calls(open(path, settings), batch, calls=calls, why_no_times=_NO_TIMES)
    return replace(found, execution=execution(path, batch, settings))


def execution(path: Path, batch: FloatArray, settings: RunSettings) -> Execution | None:
    """Whether a file of float16 or bfloat16 arithmetic is run so, by its answer to a batch (1,c,h,w).

    ncnn does not tell what a layer runs in: where the answer is that of float32 arithmetic to the bit, all of them ran
    in that, and otherwise all are counted for the other. None for other precisions.
    """
    wanted = _ARITHMETIC.get(settings.precision)
    if wanted is None:
        return None
    session, plain = open(path, settings), open(path, replace(settings, precision=REFERENCE))
    float32 = np.array_equal(session.run(batch), plain.run(batch), equal_nan=True)
    layers = sum(layer.type != "Input" for layer in session.net.layers())
    return Execution(
        parts=(ExecutionPart(ran_as=_FLOAT32 if float32 else wanted, operators=layers, share=1.0),),
        warning=f"ncnn runs it in {_FLOAT32} on this CPU, not in {wanted}" if float32 else None,
    )


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


RUNTIME = Runtime(
    name="ncnn",
    title="ncnn",
    distribution="ncnn",
    extra="ncnn",
    load=load,
    open=open,
    profile=profile,
    failures=lambda: (RuntimeError, ValueError),
    execution=execution,
    inexact=("fp16a", "bf16"),
    memory_growth_bytes=_SLACK_BYTES,
)

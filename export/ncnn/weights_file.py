"""The weights of an ncnn model (.bin): the arrays of its layers one after another, without names or lengths.

How many values a layer has its line of the .param tells (ncnn's src/layer/*.cpp, load_model). Weights of convolutions
begin with a word that tells their type (src/modelbin.cpp) and are filled up to whole words; all others are float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edgesr.export.ncnn.param_file import ParamLayer, read_layers, write_layers
from edgesr.export.records import FloatLayers
from edgesr.runtimes.errors import EdgesrError

_WORD = 4
_TYPES: dict[int, DTypeLike] = {0: np.float32, 0x01306B47: np.float16, 0x000D4B38: np.int8}
"""What the word in front of an array says of its values."""
_INT8_SCALES = 8
"""Parameter of a convolution: where it is set, scales of weights and of the input follow."""


@dataclass(frozen=True)
class Stored:
    """Values of one array (n,); ``typed``: a word with their type is in front of them."""

    values: NDArray[np.generic]
    typed: bool = False

    def content(self) -> bytes:
        """The content of the weights as the file has it."""
        data = self.values.tobytes()
        if not self.typed:
            return data
        word = next(word for word, dtype in _TYPES.items() if self.values.dtype == dtype)
        return np.uint32(word).tobytes() + data + bytes(-len(data) % _WORD)


@dataclass(frozen=True)
class NcnnModel:
    """Layers in order, and the arrays of each: of a convolution its weights and its bias, where it has one."""

    layers: tuple[ParamLayer, ...]
    arrays: tuple[tuple[Stored, ...], ...]


@dataclass(frozen=True)
class Rewritten:
    """A model of lower precision, and the layers that had to stay in float."""

    model: NcnnModel
    float_layers: FloatLayers = field(default_factory=FloatLayers)


Lengths = list[tuple[int, bool]]
"""Number of values of each array of a layer, and whether it is typed."""


def _kernel(layer: ParamLayer) -> Lengths:
    if layer.number(_INT8_SCALES):
        raise EdgesrError(f"layer {layer.name} is quantized already")
    bias = [(layer.number(0), False)] if layer.number(5) else []
    return [(layer.number(6), True), *bias]


def _matrix(layer: ParamLayer) -> Lengths:
    return [(layer.number(2), True), *([(layer.number(0), False)] if layer.number(1) else [])]


def _constant(layer: ParamLayer) -> Lengths:
    sides = [layer.number(key) for key in (0, 1, 11, 2)]
    return [(int(np.prod([side for side in sides if side])), layer.number(21, 1) == 0)]


def _scale(layer: ParamLayer) -> Lengths:
    return [(layer.number(0), False)] * (2 if layer.number(1) else 1)


_WITHOUT_ARRAYS = (
    "AbsVal BinaryOp BNLL Cast CELU Clip Concat CopyTo Crop CumulativeSum DeepCopy Dropout Einsum Eltwise ELU Erf Exp "
    "ExpandDims Flatten Flip Fold GELU GLU GridSample HardSigmoid HardSwish Input Interp Log LRN MatMul Mish MVN Noop "
    "Packing Permute PixelShuffle Pooling Pooling1D Power Reduction ReLU Reorg Reshape RotaryEmbed SDPA SELU Shrink "
    "ShuffleChannel Sigmoid Slice Softmax Softplus Split Squeeze Swish TanH Threshold Tile UnaryOp Unfold"
)
"""Kinds of layers that load no arrays (ncnn's src/layer/*.h)."""
_ARRAYS: dict[str, Callable[[ParamLayer], Lengths]] = {
    **dict.fromkeys(("Convolution", "ConvolutionDepthWise", "Deconvolution", "DeconvolutionDepthWise"), _kernel),
    "InnerProduct": _matrix,
    "MemoryData": _constant,
    "PReLU": lambda layer: [(layer.number(0), False)],
    "Scale": _scale,
    "LayerNorm": lambda layer: [(layer.number(0), False)] * (2 * layer.number(2, 1)),
    "GroupNorm": lambda layer: [(layer.number(1), False)] * (2 * layer.number(3, 1)),
    "InstanceNorm": lambda layer: [(layer.number(0), False)] * (2 * layer.number(2, 1)),
    "BatchNorm": lambda layer: [(layer.number(0), False)] * 4,
    "Padding": lambda layer: [(layer.number(6), False)] if layer.number(6) else [],
    **dict.fromkeys(_WITHOUT_ARRAYS.split(), lambda _: []),
}
"""The arrays of each kind of layer; of all others it is not known whether they have any."""
_REMEDY = "export fp32, or leave ncnn's other precisions out"


def read_model(param: Path) -> NcnnModel:
    """A .param file and the .bin next to it; raises an EdgesrError where a layer has arrays that are not known here."""
    layers, content = read_layers(param), param.with_suffix(".bin").read_bytes()
    arrays, place = [], 0
    for layer in layers:
        found = []
        for count, typed in _ARRAYS[layer.kind](layer) if layer.kind in _ARRAYS else ():
            stored, place = _read(content, place, count, typed=typed, layer=layer)
            found.append(stored)
        arrays.append(tuple(found))
    if place != len(content):
        unknown = ", ".join(sorted({layer.kind for layer in layers} - _ARRAYS.keys()))
        what = f"ncnn keeps constants of {unknown} in it" if unknown else "it is longer than its layers tell"
        raise EdgesrError(f"{param.stem}.bin is not rewritten: {what}; {_REMEDY}")
    return NcnnModel(layers, tuple(arrays))


def write_model(param: Path, model: NcnnModel) -> None:
    """Write a .param file and the .bin next to it."""
    write_layers(param, model.layers)
    content = b"".join(stored.content() for arrays in model.arrays for stored in arrays)
    param.with_suffix(".bin").write_bytes(content)


def _read(content: bytes, place: int, count: int, *, typed: bool, layer: ParamLayer) -> tuple[Stored, int]:
    """An array, and where it ends."""
    dtype: DTypeLike = np.float32
    if typed:
        word = int.from_bytes(content[place : place + _WORD], "little")
        if word not in _TYPES:
            what = "its weights are of an unknown type, or not where they should be"
            raise EdgesrError(f"layer {layer.name}: {what}; {_REMEDY}")
        dtype, place = _TYPES[word], place + _WORD
    size = count * np.dtype(dtype).itemsize
    if place + size > len(content):
        raise EdgesrError(f"layer {layer.name}: the .bin ends before its weights; {_REMEDY}")
    values = np.frombuffer(content, dtype, count, place)
    return Stored(values, typed), place + size + (-size % _WORD if typed else 0)

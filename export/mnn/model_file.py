"""The operators of a .mnn file, a flatbuffer of MNN's schema (schema/default/MNN.fbs, CaffeOp.fbs, TensorflowOp.fbs).

A field is known by its place in its table; a union has two, of its kind and of its value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from flatbuffers import encode, number_types
from flatbuffers.table import Table

from edgesr.export.graphs.operators import CLIP
from edgesr.runtimes.errors import InputError

T = TypeVar("T")

_OPERATORS, _TENSOR_NAMES = 3, 7
_INPUTS, _PARAMETERS, _OUTPUTS, _KIND = 0, 2, 4, 5
_COMMON, _WEIGHTS = 0, 1
_FLOATS = 7
CONVOLUTIONS, TRANSPOSED_CONVOLUTIONS, CONSTANT = (12, 13), (17, 18), 11
WEIGHTED = (*CONVOLUTIONS, *TRANSPOSED_CONVOLUTIONS)
_KERNEL_WIDTH, _KERNEL_HEIGHT, _OUTPUT_CHANNELS, _INPUT_CHANNELS = 2, 3, 10, 11
_FUSED = {12: "Relu", 13: CLIP}


@dataclass(frozen=True, kw_only=True)
class MnnOperator:
    """An operator: ``kind`` is its number in the schema's OpType, ``parameters`` its table, None where it has none."""

    kind: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Table | None

    def number(self, field: int) -> int:
        """An int32 among the parameters, 0 where it is left out."""
        return int(self._value(field, number_types.Int32Flags))

    def small_number(self, field: int) -> int:
        """An int8 or a bool among the parameters."""
        return int(self._value(field, number_types.Int8Flags))

    def decimal(self, field: int) -> float:
        """A float32 among the parameters."""
        return self._value(field, number_types.Float32Flags)

    def _value(self, field: int, flags: Any) -> float:
        return 0 if self.parameters is None else _number(self.parameters, field, flags)


@dataclass(frozen=True, kw_only=True)
class MnnConvolution:
    """A convolution: (height,width) of its kernel, its channels (out,in) and the activation that is fused into it."""

    kernel: tuple[int, int]
    channels: tuple[int, int]
    activation: str | None


@dataclass(frozen=True)
class Floats:
    """The place in a file where ``count`` float32 numbers of a vector begin."""

    begin: int
    count: int


def read_operators(file: Path) -> tuple[MnnOperator, ...]:
    """All operators of a file, in order of execution; raises an InputError for a file that is none."""
    return read_content(file)[1]


def read_content(file: Path) -> tuple[bytearray, tuple[MnnOperator, ...]]:
    """The bytes of a file, which its operators are read from, and these."""
    content = bytearray(file.read_bytes())
    try:
        net = Table(content, encode.Get(number_types.UOffsetTFlags.packer_type, content, 0))
        names = _vector(net, _TENSOR_NAMES, lambda place: bytes(net.String(place)).decode())
        operators = _vector(net, _OPERATORS, lambda place: Table(net.Bytes, net.Indirect(place)))
        return content, tuple(_operator(operator, names) for operator in operators)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: no .mnn file, or damaged; export it again") from error


def floats_of(operator: MnnOperator) -> Floats:
    """The weights of a convolution, or the values of a constant; none of what has neither in float32."""
    weighted = operator.kind in WEIGHTED
    if operator.parameters is None or not (weighted or operator.kind == CONSTANT):
        return Floats(0, 0)
    place = _place(operator.parameters, _WEIGHTS if weighted else _FLOATS)
    if not place:
        return Floats(0, 0)
    return Floats(operator.parameters.Vector(place), operator.parameters.VectorLen(place))


def convolution_of(operator: MnnOperator) -> MnnConvolution | None:
    """A description of a convolution, transposed ones included; None for other operators."""
    if operator.parameters is None or operator.kind not in WEIGHTED:
        return None
    common = _table(operator.parameters, _COMMON)
    if common is None:
        return None

    def number(field: int, default: int = 0) -> int:
        return int(_number(common, field, number_types.Int32Flags, default))

    return MnnConvolution(
        kernel=(number(_KERNEL_HEIGHT, 1), number(_KERNEL_WIDTH, 1)),
        channels=(number(_OUTPUT_CHANNELS), number(_INPUT_CHANNELS)),
        activation=next(
            (name for field, name in _FUSED.items() if _number(common, field, number_types.Int8Flags)), None
        ),
    )


def _operator(table: Table, names: tuple[str, ...]) -> MnnOperator:
    def tensors(field: int) -> tuple[str, ...]:
        return _vector(table, field, lambda place: names[table.Get(number_types.Int32Flags, place)])

    return MnnOperator(
        kind=int(_number(table, _KIND, number_types.Int32Flags)),
        inputs=tensors(_INPUTS),
        outputs=tensors(_OUTPUTS),
        parameters=_table(table, _PARAMETERS),
    )


def _number(table: Table, field: int, flags: Any, default: float = 0) -> float:
    place = _place(table, field)
    return float(table.Get(flags, place + table.Pos)) if place else default


def _table(table: Table, field: int) -> Table | None:
    place = _place(table, field)
    return Table(table.Bytes, table.Indirect(place + table.Pos)) if place else None


def _vector(table: Table, field: int, read: Callable[[int], T]) -> tuple[T, ...]:
    """The values that are read at the places of a vector's items, which have four bytes each."""
    place = _place(table, field)
    if not place:
        return ()
    begin = table.Vector(place)
    return tuple(read(begin + 4 * item) for item in range(table.VectorLen(place)))


def _place(table: Table, field: int) -> int:
    return int(table.Offset(4 + 2 * field))

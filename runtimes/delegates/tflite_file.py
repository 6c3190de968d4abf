"""The operators of a TFLite file, read from the file itself: no interpreter is made, nothing is run."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgesr.runtimes.delegates.operators import Operator, Tensor
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import shown_text

_DAMAGE = (struct.error, IndexError, ValueError, TypeError, AttributeError, KeyError)


def read_operators(content: bytes) -> tuple[Operator, ...]:
    """Operators of the first graph in the order of the file, without those that only unpack float16 weights.

    Needs LiteRT's package; a file that is none is an InputError.
    """
    from ai_edge_litert import schema_py_generated as schema

    try:
        return graph_operators(schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)))
    except _DAMAGE as error:
        raise InputError(f"not a TFLite model, or damaged: {shown_text(str(error))}; export it again") from error


def operators_of(path: Path) -> tuple[Operator, ...]:
    """The same of a file."""
    return read_operators(path.read_bytes())


def graph_operators(model: Any) -> tuple[Operator, ...]:
    """The same of a model that the schema's object interface gave."""
    graph = model.subgraphs[0]
    kinds = [_kind(model, operator) for operator in graph.operators]
    constant = {index for index, tensor in enumerate(graph.tensors) if _has_values(model, tensor)}
    unpacks = []
    for operator, kind in zip(graph.operators, kinds, strict=True):
        unpacked = kind == "DEQUANTIZE" and int(operator.inputs[0]) in constant
        unpacks.append(unpacked)
        constant |= {int(index) for index in _indices(operator.outputs) if unpacked}
    readers: dict[int, list[str]] = defaultdict(list)
    for operator, kind in zip(graph.operators, kinds, strict=True):
        for index in _indices(operator.inputs):
            readers[int(index)].append(kind)
    tensors = [_tensor(tensor, index in constant, name=str(index)) for index, tensor in enumerate(graph.tensors)]
    return tuple(
        Operator(
            kind=kind,
            inputs=tuple(tensors[int(index)] for index in _indices(operator.inputs) if index >= 0),
            outputs=tuple(tensors[int(index)] for index in _indices(operator.outputs)),
            version=max(1, model.operatorCodes[operator.opcodeIndex].version),
            options=_options(operator),
            readers=tuple(reader for index in _indices(operator.outputs)[:1] for reader in readers[int(index)]),
        )
        for operator, kind, unpacked in zip(graph.operators, kinds, unpacks, strict=True)
        if not unpacked
    )


def _indices(indices: Any) -> Any:
    """The indices of an operator's inputs or outputs; the schema gives None for no tensors."""
    return () if indices is None else indices


def _kind(model: Any, operator: Any) -> str:
    """The builtin's name, or that of a custom operator."""
    code = model.operatorCodes[operator.opcodeIndex]
    name = _names("BuiltinOperator")[max(code.builtinCode, code.deprecatedBuiltinCode)]
    return name if name != "CUSTOM" else f"CUSTOM {(code.customCode or b'').decode(errors='replace')}".strip()


def _has_values(model: Any, tensor: Any) -> bool:
    """Whether a tensor is written in the file: behind the model where its buffer says so, as in large ones."""
    buffer = model.buffers[tensor.buffer]
    inline = buffer.data is not None and len(buffer.data) > 0
    return not tensor.isVariable and (inline or buffer.size > 0)


def _tensor(tensor: Any, constant: bool, *, name: str) -> Tensor:
    sides = [] if tensor.shape is None else list(tensor.shape)
    if tensor.shapeSignature is not None and len(tensor.shapeSignature) == len(sides):
        sides = list(tensor.shapeSignature)
    shape = tuple(None if side < 0 else int(side) for side in sides)
    return Tensor(shape=shape, dtype=_names("TensorType")[tensor.type].lower(), constant=constant, name=name)


def _options(operator: Any) -> Mapping[str, int | float]:
    given = {} if operator.builtinOptions is None else vars(operator.builtinOptions)
    return MappingProxyType({name: value for name, value in given.items() if isinstance(value, int | float)})


@cache
def _names(table: str) -> dict[int, str]:
    """Names by number of one of the schema's enumerations."""
    from ai_edge_litert import schema_py_generated as schema

    return {value: name for name, value in vars(getattr(schema, table)).items() if isinstance(value, int)}

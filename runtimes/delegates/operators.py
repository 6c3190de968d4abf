"""TFLite operators as delegates look at them: kind, version, tensors, options, and who reads the result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Options = Mapping[str, int | float]
"""Fields of an operator's options as the TFLite schema names them in Python: ``fusedActivationFunction``, ``mode``."""


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """Shape and type ("float32", "int8", "bool") of an input or output. A side that is not fixed is None.

    ``name``: of the tensor in its graph, "" where nothing is known of it; no part of what is compared.
    """

    shape: tuple[int | None, ...]
    dtype: str = "float32"
    constant: bool = False
    name: str = field(default="", compare=False)

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements, a side that is not fixed counted as 1."""
        return math.prod(side or 1 for side in self.shape)


@dataclass(frozen=True, kw_only=True)
class Operator:
    """``kind`` is its name in the TFLite schema. Inputs that are left out have no place in ``inputs``.

    ``readers``: kinds of the operators that read its first output.
    """

    kind: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    version: int = 1
    options: Options = field(default_factory=lambda: MappingProxyType({}))
    readers: tuple[str, ...] = ()

    @property
    def computed_inputs(self) -> tuple[Tensor, ...]:
        """Inputs that are no constants."""
        return tuple(tensor for tensor in self.inputs if not tensor.constant)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return (*self.inputs, *self.outputs)


def kinds(names: str) -> tuple[str, ...]:
    """Kinds from their names with blanks between them."""
    return tuple(names.split())

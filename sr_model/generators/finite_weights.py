"""Weights that are numbers: one NaN spreads over every image."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from edgesr.runtimes.errors import InputError

FINITE = "give a checkpoint of finite weights"
_REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int16, torch.int32, torch.int64)


def require_finite(state: Mapping[str, Tensor], *, source: str, advice: str = FINITE) -> None:
    """Raise an InputError that names the first tensor with a NaN or an infinity, or of no real numbers."""
    for name, tensor in state.items():
        if tensor.dtype not in _REAL:
            raise InputError(f"{source}: the tensor {name!r} is of {tensor.dtype}, need float16 to float64; {advice}")
        broken = int((~tensor.isfinite()).sum())
        if broken:
            raise InputError(
                f"{source}: {broken} of {tensor.numel()} values of the tensor {name!r} are NaN or infinite; {advice}"
            )

"""Weights that are numbers: one NaN spreads over every image."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from runtimes.errors import InputError


def require_finite(state: Mapping[str, Tensor], *, source: str) -> None:
    """An InputError that names the first tensor with a NaN or an infinity, and how many of its values are so."""
    for name, tensor in state.items():
        values = tensor if tensor.is_complex() else tensor.float()
        broken = int((~values.isfinite()).sum())
        if broken:
            raise InputError(
                f"{source}: {broken} of {tensor.numel()} values of the tensor {name!r} are NaN or infinite; "
                "give a checkpoint of finite weights"
            )

"""Arithmetic of a generator."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from edgesr.sr_model.generators.generator import Generator

_SIDE = 16


def count_mac_per_hr_pixel(generator: Generator) -> float:
    """Multiply-accumulates of all convolutions of the residual, divided by the number of HR pixels."""
    counted = copy.deepcopy(generator)
    total = 0

    def count(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d)
        total += output[0, 0].numel() * module.weight.numel()

    for module in counted.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    with torch.inference_mode():
        output = counted.residual(torch.zeros(1, 3, _SIDE, _SIDE, device=next(counted.parameters()).device))
    return total / (output.shape[-1] * output.shape[-2])

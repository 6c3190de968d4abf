"""The exponential moving average of a network's parameters."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class MovingAverage(nn.Module):
    """A copy of a network whose parameters are the average over about 1/(1 - ``decay``) updates.

    The decay grows to its value with the number of updates, so that a short run does not keep its start.
    ``n_averaged`` () int64 counts them, on the host whatever the device of the network.
    """

    n_averaged: Tensor

    def __init__(self, module: nn.Module, decay: float) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.register_buffer("n_averaged", torch.tensor(0))
        self._decay = decay

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take the parameters after one more update into the average; the first are taken as they are."""
        updates = int(self.n_averaged)
        decay = min(self._decay, (1 + updates) / (10 + updates)) if updates else 0.0
        torch._foreach_lerp_(list(self.module.parameters()), list(module.parameters()), 1 - decay)
        self.n_averaged += 1

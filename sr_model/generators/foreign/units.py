"""A user's network in our units: [0,255], any size from the least side on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgesr.sr_model.generators.foreign.contract import Contract

_LARGEST = 255.0


class InOurUnits(nn.Module):
    """LR (1,c,h,w) in [0,255] -> the picture (1,c,s*h,s*w) before it is clipped to [0,255]."""

    def __init__(self, network: nn.Module, contract: Contract) -> None:
        super().__init__()
        self.network = network
        self._contract = contract

    def forward(self, lr: Tensor) -> Tensor:
        contract = self._contract
        height, width = lr.shape[-2:]
        x = lr.clone() if contract.peak == _LARGEST else lr * (contract.peak / _LARGEST)
        if contract.multiple > 1:
            x = _extended(_extended(x, 2, contract.multiple), 3, contract.multiple)
        y: Tensor = self.network(x)
        if contract.multiple > 1:
            y = _cut(_cut(y, 2, height * contract.scale), 3, width * contract.scale)
        return y if contract.peak == _LARGEST else y * (_LARGEST / contract.peak)


def _extended(x: Tensor, axis: int, multiple: int) -> Tensor:
    """An image whose side is the next multiple, by reflection at its end.

    By an index and not by a pad or a slice, of which the exporter keeps whether it is empty at the traced size.
    """
    side = x.shape[axis]
    index = torch.arange(side + -side % multiple, device=x.device)
    return x.index_select(axis, torch.where(index < side, index, 2 * (side - 1) - index))


def _cut(x: Tensor, axis: int, side: int) -> Tensor:
    """The first ``side`` rows or columns."""
    return x.index_select(axis, torch.arange(side, device=x.device))

"""Small seeded modules with one trait each that conversions of foreign networks stumble over."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Planted(nn.Module):
    """A 3x3 convolution of an LR image (1,3,h,w) in [0,255], and what ``shape`` makes of it and of the image."""

    def __init__(self, shape: Callable[[Tensor, Tensor], Tensor], *, outputs: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, outputs, 3, padding=1)
        self.shape = shape
        self.eval().requires_grad_(False)

    def forward(self, lr: Tensor) -> Tensor:
        return self.shape(self.conv(lr), lr)


def sound() -> Planted:
    """Nothing that depends on the size."""
    return Planted(lambda features, _lr: F.pixel_shuffle(features, 2), outputs=12)


def pooled_gate() -> Planted:
    """Weights pixels by a pool to an eighth of the size: a fixed pool in ONNX, right at multiples of 8 (SAFMN)."""

    def shape(features: Tensor, lr: Tensor) -> Tensor:
        size = lr.shape[-2:]
        pooled = F.adaptive_max_pool2d(features, (size[0] // 8, size[1] // 8))
        return lr * torch.sigmoid(F.interpolate(pooled, size=size) / 255)

    return Planted(shape)


def fixed_view() -> Planted:
    """Goes through a view of the size 40x56."""
    return Planted(lambda features, _lr: features.flatten(2).view(1, 3, 40, 56))


def traced_view() -> Planted:
    """Takes the size of a view from its input as numbers, which TorchScript's tracing makes constants."""
    return Planted(lambda features, lr: features.flatten(2).view(1, 3, int(lr.shape[2]), int(lr.shape[3])))


def parity_branch() -> Planted:
    """Doubles images of odd height."""
    return Planted(lambda features, lr: features if lr.shape[2] % 2 == 0 else 2 * features)


def fixed_mask() -> Planted:
    """Multiplies by a mask of 40x56."""
    mask = torch.ones(1, 1, 40, 56)
    return Planted(lambda features, _lr: features * mask)


def even_sides() -> Planted:
    """Takes images of even sides alone."""
    return Planted(lambda features, _lr: F.pixel_unshuffle(features, 2))

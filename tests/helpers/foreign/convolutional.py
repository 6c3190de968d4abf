"""Convolutional networks of users: activations, bases, scales; seeded.

`edgesr export --module FILE:NAME`, with the path of this file. Imports nothing of edgesr, as a user's file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Upscaler(nn.Module):
    """A base, to which a body at LR size with a pixel shuffle adds a part of its output."""

    def __init__(
        self, *body: nn.Module, scale: int = 4, base: Callable[[Tensor, int], Tensor] | None = None, gain: float = 0.3
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)
        self.scale, self.base, self.gain = scale, base or nearest, gain

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.body(x)
        residual = F.pixel_shuffle(residual, self.scale) if self.scale > 1 else residual
        return self.base(x, self.scale) + self.gain * residual


def nearest(x: Tensor, scale: int) -> Tensor:
    return F.interpolate(x, scale_factor=scale, mode="nearest")


def bilinear(x: Tensor, scale: int) -> Tensor:
    return F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)


def bicubic(x: Tensor, scale: int) -> Tensor:
    return F.interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False)


def chain(
    activation: Callable[[], nn.Module], *, scale: int, depth: int = 2, padding: Literal["zeros", "reflect"] = "zeros"
) -> nn.Module:
    """A chain of depth + 2 convolutions of 3x3 with activations between them."""
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1, padding_mode=padding), activation()]
    for _ in range(depth):
        layers += [nn.Conv2d(16, 16, 3, padding=1, padding_mode=padding), activation()]
    return Upscaler(*layers, nn.Conv2d(16, 3 * scale**2, 3, padding=1, padding_mode=padding), scale=scale)


def around(*part: nn.Module, base: Callable[[Tensor, int], Tensor] | None = None) -> nn.Module:
    """A x2 network with parts of 16 channels between two convolutions."""
    torch.manual_seed(0)
    head, tail = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 12, 3, padding=1)
    return Upscaler(head, *part, tail, scale=2, base=base)


def srvgg() -> nn.Module:
    return chain(lambda: nn.PReLU(16), depth=4, scale=4)


def leaky_x1() -> nn.Module:
    return chain(lambda: nn.LeakyReLU(0.1), scale=1)


def relu6_x2() -> nn.Module:
    return chain(nn.ReLU6, scale=2)


def silu_x3() -> nn.Module:
    return chain(nn.SiLU, scale=3)


def hardswish_x8() -> nn.Module:
    return chain(nn.Hardswish, scale=8, depth=1)


def gelu() -> nn.Module:
    return chain(nn.GELU, scale=2)


def reflect_padding() -> nn.Module:
    return chain(nn.ReLU, padding="reflect", scale=2)


def batch_norm() -> nn.Module:
    norm = nn.BatchNorm2d(16)
    norm.running_mean, norm.running_var = torch.linspace(-0.2, 0.2, 16), torch.linspace(0.5, 2, 16)
    return around(norm)


def dropout() -> nn.Module:
    """Given in training mode, in which it is random."""
    return around(nn.Dropout(0.5)).train()


def depthwise() -> nn.Module:
    torch.manual_seed(0)
    return around(nn.Conv2d(16, 16, 5, padding=2, groups=16), nn.ReLU(), nn.Conv2d(16, 16, 1))


def bilinear_base() -> nn.Module:
    return around(nn.ReLU(), base=bilinear)


def bicubic_base() -> nn.Module:
    return around(nn.ReLU(), base=bicubic)


class MeanShift(nn.Module):
    """As EDSR: the mean of its data is taken off, and added to the picture at the end."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.body(x - self.mean) + self.mean
        return result


def mean_shift() -> nn.Module:
    return MeanShift(chain(nn.ReLU, scale=2))


class TransposedUpsampling(nn.Module):
    """As FSRCNN: a transposed convolution makes the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.PReLU(16))
        self.up = nn.ConvTranspose2d(16, 3, 9, stride=3, padding=4, output_padding=2)

    def forward(self, x: Tensor) -> Tensor:
        return nearest(x, 3) + 0.1 * cast(Tensor, self.up(self.body(x)))


def transposed_convolution() -> nn.Module:
    torch.manual_seed(0)
    return TransposedUpsampling()

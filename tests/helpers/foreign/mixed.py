"""Networks of users with many kinds of layers in one, so that one export shows them all; seeded.

`edgesr export --module FILE:NAME`, with the path of this file. Imports nothing of edgesr, as a user's file.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Convolutions(nn.Module):
    """Mean shift, dense and distilled features, a depthwise convolution with a batch norm, a transposed one; x2."""

    def __init__(self) -> None:
        super().__init__()
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1))
        self.head, self.act = nn.Conv2d(3, 12, 3, padding=1), nn.PReLU(12)
        self.grow = nn.Conv2d(12, 12, 3, padding=1)
        self.depthwise, self.norm = nn.Conv2d(24, 24, 5, padding=2, groups=24, bias=False), nn.BatchNorm2d(24)
        self.norm.running_mean, self.norm.running_var = torch.linspace(-0.2, 0.2, 24), torch.linspace(0.5, 2, 24)
        self.refine, self.join = nn.Conv2d(12, 12, 3, padding=1), nn.Conv2d(24, 12, 1)
        self.up = nn.ConvTranspose2d(12, 3, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.head(x - self.mean))
        z: Tensor = F.hardswish(self.norm(self.depthwise(torch.cat([y, F.leaky_relu(self.grow(y), 0.1)], dim=1))))
        kept, rest = torch.split(z, [12, 12], dim=1)
        y = y + 0.2 * cast(Tensor, self.join(torch.cat([kept, F.silu(self.refine(rest))], dim=1)))
        picture: Tensor = self.up(y) + self.mean
        return F.interpolate(x, scale_factor=2.0, mode="nearest") + 0.2 * picture


class Transformer(nn.Module):
    """A layer norm, attention in windows of 8x8 pixels, channel attention and linear layers; x2."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.head, self.tail = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 12, 3, padding=1)
        self.norm, self.qkv, self.out = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.squeeze, self.excite = nn.Conv2d(width, 4, 1), nn.Conv2d(4, width, 1)

    def attended(self, x: Tensor) -> Tensor:
        n, h, w, c = x.shape
        windows = x.view(n, h // 8, 8, w // 8, 8, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 64, c)
        q, k, v = self.qkv(windows).chunk(3, dim=-1)
        y: Tensor = self.out(torch.softmax(q @ k.transpose(1, 2) * c**-0.5, dim=-1) @ v)
        return y.view(n, h // 8, w // 8, 8, 8, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(x).permute(0, 2, 3, 1)
        y = y + self.attended(self.norm(y))
        y = (y + self.narrow(F.gelu(self.wide(y)))).permute(0, 3, 1, 2)
        y = y * torch.sigmoid(self.excite(self.squeeze(y.mean((2, 3), keepdim=True)).relu()))
        return F.interpolate(x, scale_factor=2.0, mode="bilinear") + 0.3 * F.pixel_shuffle(self.tail(y), 2)


def convolutions() -> nn.Module:
    torch.manual_seed(0)
    return Convolutions()


def transformer() -> nn.Module:
    torch.manual_seed(0)
    return Transformer()

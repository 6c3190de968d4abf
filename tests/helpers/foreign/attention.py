"""Networks of users that look farther than convolutions, or at each pixel by itself; seeded.

`edgesr export --module FILE:NAME`, with the path of this file. Imports nothing of edgesr, as a user's file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Around(nn.Module):
    """A x2 network: one special part between two convolutions, added to nearest neighbours."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.head, self.part, self.tail = nn.Conv2d(3, 16, 3, padding=1), part, nn.Conv2d(16, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        residual = F.pixel_shuffle(self.tail(self.part(self.head(x))), 2)
        return F.interpolate(x, scale_factor=2.0, mode="nearest") + 0.3 * residual


class SqueezeAndExcite(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 4, 1), nn.ReLU(), nn.Conv2d(4, width, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        weighed: Tensor = x * self.weigh(x) * 2
        return weighed


class SpatialAttention(nn.Module):
    """As ESA of RFDN: a strided convolution, a max pool and a bilinear way back to the input's size."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.down = nn.Conv2d(width, 8, 3, stride=2)
        self.inner, self.out = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(F.max_pool2d(self.down(x), kernel_size=7, stride=3))
        y = F.interpolate(y, (x.shape[2], x.shape[3]), mode="bilinear", align_corners=False)
        return x * torch.sigmoid(4 * cast(Tensor, self.out(y)))


class LinearSpatialAttention(SpatialAttention):
    """As ESA of BSRN: a linear layer on NHWC where the image is small."""

    def __init__(self, width: int = 16) -> None:
        super().__init__(width)
        self.linear = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = F.max_pool2d(self.down(x), kernel_size=7, stride=3)
        y = self.inner(self.linear(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        y = F.interpolate(y, (x.shape[2], x.shape[3]), mode="bilinear", align_corners=False)
        return x * torch.sigmoid(4 * cast(Tensor, self.out(y)))


class AdaptiveMaxPool(nn.Module):
    """As SAFMN: pooled to an eighth of the size, which is a plain max pool at multiples of 8 alone."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        h, w = x.shape[-2:]
        y = self.mix(F.adaptive_max_pool2d(x, (h // 8, w // 8)))
        return x * F.gelu(F.interpolate(y, size=(h, w), mode="nearest"))


class NormAndLinear(nn.Module):
    """Layer norm and linear layers on NHWC, as in transformers."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        y = x.permute(0, 2, 3, 1)
        return x + cast(Tensor, self.mlp(self.norm(y))).permute(0, 3, 1, 2)


class WindowAttention(nn.Module):
    """One head in windows of 8x8 pixels; sides are multiples of 8."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        windows = x.view(n, c, h // 8, 8, w // 8, 8).permute(0, 2, 4, 3, 5, 1).reshape(-1, 64, c)
        q, k, v = self.qkv(windows).chunk(3, dim=-1)
        attended = self.out(torch.softmax(q @ k.transpose(1, 2) * c**-0.5, dim=-1) @ v)
        back = attended.view(n, h // 8, w // 8, 8, 8, c).permute(0, 5, 1, 3, 2, 4)
        return x + cast(Tensor, back).reshape(n, c, h, w)


class PadsItself(nn.Module):
    """As SwinIR: padded to whole windows by reflection, with a shortcut at the size that it was trained at."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.known = torch.ones(1, 1, 64, 1)

    def forward(self, x: Tensor) -> Tensor:
        h, w = x.shape[-2:]
        y = F.pad(x, (0, (8 - w % 8) % 8, 0, (8 - h % 8) % 8), mode="reflect")
        mask = self.known if y.shape[2] == 64 else y.new_ones(1, 1, y.shape[2], 1)
        return cast(Tensor, self.network(y * mask))[:, :, : 2 * h, : 2 * w]


def _around(part: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return Around(part())


def squeeze_and_excite() -> nn.Module:
    return _around(SqueezeAndExcite)


def channel_attention() -> nn.Module:
    """Three blocks of squeeze and excite in a chain: the means of each depend on those before it."""
    return _around(lambda: nn.Sequential(*[SqueezeAndExcite() for _ in range(3)]))


def spatial_attention() -> nn.Module:
    return _around(SpatialAttention)


def linear_spatial_attention() -> nn.Module:
    return _around(LinearSpatialAttention)


def adaptive_max_pool() -> nn.Module:
    return _around(AdaptiveMaxPool)


def norm_and_linear() -> nn.Module:
    return _around(NormAndLinear)


def window_attention() -> nn.Module:
    return _around(WindowAttention)


def padded_windows() -> nn.Module:
    return PadsItself(window_attention())

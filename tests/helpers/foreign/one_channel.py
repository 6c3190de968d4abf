"""Networks of users that take one channel, as the papers of luma networks have them; seeded.

`edgesr export --module FILE:NAME`, with the path of this file. Imports nothing of edgesr, as a user's file.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Espcn(nn.Module):
    """As ESPCN: three convolutions and a pixel shuffle, x3; its picture is near that of nearest neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.Tanh(), nn.Conv2d(16, 8, 3, padding=1), nn.Tanh())
        self.tail = nn.Conv2d(8 + 1, 9, 3, padding=1, bias=False)
        nn.init.normal_(self.tail.weight, std=0.02)
        nn.init.zeros_(self.tail.weight[:, 8]), nn.init.ones_(self.tail.weight[:, 8, 1, 1])

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.tail(torch.cat([self.body(x), x], dim=1)), 3)


class Fsrcnn(nn.Module):
    """As FSRCNN: shrinking, mapping and expanding convolutions, and a transposed one that makes the picture, x2."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2),
            nn.PReLU(16),
            nn.Conv2d(16, 6, 1),
            nn.PReLU(6),
            nn.Conv2d(6, 6, 3, padding=1),
            nn.PReLU(6),
            nn.Conv2d(6, 15, 1),
            nn.PReLU(15),
        )
        self.up = nn.ConvTranspose2d(15 + 1, 1, 9, stride=2, padding=4, output_padding=1, bias=False)
        nn.init.normal_(self.up.weight, std=0.004)
        triangle = torch.tensor([0.5, 1.0, 0.5])
        self.up.weight[15, 0, 3:6, 3:6] += triangle[:, None] * triangle

    def forward(self, x: Tensor) -> Tensor:
        picture: Tensor = self.up(torch.cat([self.body(x), x], dim=1))
        return picture


class Vdsr(nn.Module):
    """As VDSR: a residual of the bilinearly upsampled picture, x2."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.tail = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        upsampled = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        residual: Tensor = self.tail(self.body(upsampled))
        return upsampled + 0.3 * residual


@torch.no_grad()
def espcn() -> nn.Module:
    torch.manual_seed(0)
    return Espcn()


@torch.no_grad()
def fsrcnn() -> nn.Module:
    torch.manual_seed(0)
    return Fsrcnn()


def vdsr() -> nn.Module:
    torch.manual_seed(0)
    return Vdsr()

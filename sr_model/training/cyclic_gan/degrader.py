"""G_LR: HR (N,3,s*h,s*w) in [0,255] -> LR (N,3,h,w) in [0,255], the cycle's second generator.

SRResCycGAN (arXiv 2009.03693) and DSGAN (arXiv 1911.07850): an antialiased reduction, then residual blocks (64
channels, 3x3, PReLU) and a 3x3 output. Choices of ours, where the papers leave one: the reduction is bicubic; a 3x3
convolution leads from the image to the blocks; the output is added to the reduced image and starts near zero, so that
the cycle is sound from its first step.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 64
BLOCKS = 8


class _ResidualBlock(nn.Module):
    """(N,64,h,w) -> same: 3x3, PReLU, 3x3, and the shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.PReLU(WIDTH), nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.layers(x)
        return result


class Degrader(nn.Module):
    """HR (N,3,s*h,s*w) in [0,255] -> LR (N,3,h,w) in [0,255]."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        output = nn.Conv2d(WIDTH, 3, 3, padding=1)
        output.weight.data *= 0.1
        nn.init.zeros_(output.bias)  # type: ignore[arg-type]
        head = (nn.Conv2d(3, WIDTH, 3, padding=1), nn.PReLU(WIDTH))
        self.body = nn.Sequential(*head, *(_ResidualBlock() for _ in range(BLOCKS)), output)

    def forward(self, hr: Tensor) -> Tensor:
        reduced = F.interpolate(hr, scale_factor=1 / self.scale, mode="bicubic", antialias=True)
        result: Tensor = (reduced + self.body(reduced / 255.0) * 255.0).clamp(0.0, 255.0)
        return result

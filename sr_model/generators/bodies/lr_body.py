"""The body of `srrescycgan-mobile`."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.sr_model.generators.bodies.layers import ResidualBlock, convolution
from edgesr.sr_model.generators.config import GeneratorConfig


class LRBody(nn.Module):
    """Mobile body: LR image (N,3,h,w) in [0,255] -> residual (N,3,s*h,s*w), convolutions at LR size."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.head = convolution(3, config.width, 5, config.padding)
        self.blocks = nn.Sequential(*(ResidualBlock(config, shortcut=True) for _ in range(config.blocks)))
        self.tail = convolution(config.width, 3 * config.scale**2, 3, config.padding)
        self.scale = config.scale
        self._start_near_bilinear()

    def _start_near_bilinear(self) -> None:
        for block in self.blocks:
            assert isinstance(block, ResidualBlock)
            block.conv2.weight.data *= 0.1
        self.tail.weight.data *= 0.1
        self.tail.bias.data.zero_()  # type: ignore[union-attr]

    def forward(self, lr: Tensor) -> Tensor:
        return F.pixel_shuffle(self.tail(self.blocks(self.head(lr / 255.0))) * 255.0, self.scale)

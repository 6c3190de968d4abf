"""The body of the published network."""

from __future__ import annotations

from torch import Tensor, nn

from edgesr.sr_model.generators.bodies.layers import ResidualBlock, convolution
from edgesr.sr_model.generators.config import GeneratorConfig


class HRBody(nn.Module):
    """Published body: bilinear upsampled image (N,3,H,W) in [0,255] -> residual (N,3,H,W), all convolutions at HR size.

    The tail is zero-padded: the published one is a transposed convolution with stride 1.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.head = convolution(3, config.width, 5, config.padding)
        self.blocks = nn.Sequential(*(ResidualBlock(config, shortcut=i > 0) for i in range(config.blocks)))
        self.tail = convolution(config.width, 3, 5, "zero")

    def forward(self, upsampled: Tensor) -> Tensor:
        residual: Tensor = self.tail(self.blocks(self.head(upsampled)))
        return residual

"""Layers that the bodies of generators are made of."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from edgesr.sr_model.generators.config import Activation, GeneratorConfig, Padding


def convolution(inputs: int, outputs: int, kernel: int, padding: Padding) -> nn.Conv2d:
    """A convolution with stride 1 that keeps the image's size."""
    mode: Literal["reflect", "zeros"] = "reflect" if padding == "reflect" else "zeros"
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode=mode)


def activation(kind: Activation, width: int) -> nn.Module:
    """An activation over ``width`` channels."""
    if kind == "prelu":
        return nn.PReLU(width, init=0.1)
    return nn.LeakyReLU(0.1) if kind == "leaky_relu" else nn.ReLU()


class ResidualBlock(nn.Module):
    """(N,width,H,W) -> same: activation, 3x3, activation, 3x3, with or without shortcut (pre-activation ResNet)."""

    def __init__(self, config: GeneratorConfig, *, shortcut: bool) -> None:
        super().__init__()
        self.act1 = activation(config.activation, config.width)
        self.conv1 = convolution(config.width, config.width, 3, config.padding)
        self.act2 = activation(config.activation, config.width)
        self.conv2 = convolution(config.width, config.width, 3, config.padding)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2(self.act2(self.conv1(self.act1(x))))
        return x + y if self.shortcut else y

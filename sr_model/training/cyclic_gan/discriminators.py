"""D_y, which opponents HR patches, and D_x, which opponents LR patches; both give logits, the higher the more real.

SRResCGAN (arXiv 2005.00953, D_y as in ESRGAN, arXiv 1809.00219) and SRResCycGAN (arXiv 2009.03693, D_x as in DSGAN,
arXiv 1911.07850).
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from edgesr.sr_model.training.config import DISCRIMINATOR_REDUCTION

_SLOPE = 0.2
_HR_WIDTHS = (64, 128, 256, 512, 512)
_LR_WIDTHS = (64, 128, 256)


def _activated(convolution: nn.Conv2d) -> Iterator[nn.Module]:
    """A convolution, batch norm unless it has a bias of its own, LeakyReLU."""
    yield convolution
    if convolution.bias is None:
        yield nn.BatchNorm2d(convolution.out_channels)
    yield nn.LeakyReLU(_SLOPE)


class HRDiscriminator(nn.Module):
    """D_y: HR patches (N,3,p,p) -> logits (N,1), p a multiple of 32 (128 in the paper).

    VGG-style: at every size a 3x3 convolution widens (64 to 512) and a 4x4 convolution with stride 2 halves; batch
    norm but after the first; two linear layers at the end.
    """

    def __init__(self, patch_size: int) -> None:
        super().__init__()
        side = patch_size // DISCRIMINATOR_REDUCTION
        self.features = nn.Sequential(*self._stages())
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(_HR_WIDTHS[-1] * side**2, 100), nn.LeakyReLU(_SLOPE), nn.Linear(100, 1)
        )

    @staticmethod
    def _stages() -> Iterator[nn.Module]:
        inputs = 3
        for stage, width in enumerate(_HR_WIDTHS):
            yield from _activated(nn.Conv2d(inputs, width, 3, padding=1, bias=stage == 0))
            yield from _activated(nn.Conv2d(width, width, 4, stride=2, padding=1, bias=False))
            inputs = width

    def forward(self, hr: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(hr))
        return logits


class LRDiscriminator(nn.Module):
    """D_x: LR patches (N,3,p,p) -> a logit a pixel (N,1,p,p), of a 17x17 neighbourhood: 5x5 convolutions, stride 1."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*self._layers())

    @staticmethod
    def _layers() -> Iterator[nn.Module]:
        inputs = 3
        for stage, width in enumerate(_LR_WIDTHS):
            yield from _activated(nn.Conv2d(inputs, width, 5, padding=2, bias=stage == 0))
            inputs = width
        yield nn.Conv2d(inputs, 1, 5, padding=2)

    def forward(self, lr: Tensor) -> Tensor:
        logits: Tensor = self.layers(lr)
        return logits

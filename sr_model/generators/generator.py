"""G_SR: LR (N,3,h,w) in [0,255] -> SR (N,3,s*h,s*w) in [0,255], float32, RGB.

    u = bilinear(lr)   r = body   k = projection(u, r), or 1 without a projection   sr = clip(u - k*r, 0, 255)

SRResCGAN (arXiv 2005.00953) and SRResCycGAN (arXiv 2009.03693).
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.runtimes.bundle.manifest import Glue
from edgesr.sr_model.generators.config import Activation, GeneratorConfig, Padding
from edgesr.sr_model.generators.glue import glue_around
from edgesr.sr_model.generators.noise import lower_median_topk
from edgesr.sr_model.generators.projection_factor import Projection


def _conv(inputs: int, outputs: int, kernel: int, padding: Padding) -> nn.Conv2d:
    mode: Literal["reflect", "zeros"] = "reflect" if padding == "reflect" else "zeros"
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode=mode)


def _activation(kind: Activation, width: int) -> nn.Module:
    if kind == "prelu":
        return nn.PReLU(width, init=0.1)
    return nn.LeakyReLU(0.1) if kind == "leaky_relu" else nn.ReLU()


class ResidualBlock(nn.Module):
    """(N,width,H,W) -> same: activation, 3x3, activation, 3x3, with or without shortcut (pre-activation ResNet)."""

    def __init__(self, config: GeneratorConfig, *, shortcut: bool) -> None:
        super().__init__()
        self.act1 = _activation(config.activation, config.width)
        self.conv1 = _conv(config.width, config.width, 3, config.padding)
        self.act2 = _activation(config.activation, config.width)
        self.conv2 = _conv(config.width, config.width, 3, config.padding)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2(self.act2(self.conv1(self.act1(x))))
        return x + y if self.shortcut else y


class HRBody(nn.Module):
    """Published body: bilinear upsampled image (N,3,H,W) in [0,255] -> residual (N,3,H,W), all convolutions at HR size.

    The tail is zero-padded: the published one is a transposed convolution with stride 1.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.head = _conv(3, config.width, 5, config.padding)
        self.blocks = nn.Sequential(*(ResidualBlock(config, shortcut=i > 0) for i in range(config.blocks)))
        self.tail = _conv(config.width, 3, 5, "zero")

    def forward(self, upsampled: Tensor) -> Tensor:
        residual: Tensor = self.tail(self.blocks(self.head(upsampled)))
        return residual


class LRBody(nn.Module):
    """Mobile body: LR image (N,3,h,w) in [0,255] -> residual (N,3,s*h,s*w), convolutions at LR size."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.head = _conv(3, config.width, 5, config.padding)
        self.blocks = nn.Sequential(*(ResidualBlock(config, shortcut=True) for _ in range(config.blocks)))
        self.tail = _conv(config.width, 3 * config.scale**2, 3, config.padding)
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


class Generator(nn.Module):
    """The whole generator of a config; `residual` alone is what the tile graph holds."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.body = HRBody(config) if config.body == "hr" else LRBody(config)
        self.projection = Projection(config.initial_alpha) if config.projection else None

    def upsample(self, lr: Tensor) -> Tensor:
        """Bilinear, half-pixel centres, no antialias: (N,3,h,w) -> (N,3,s*h,s*w)."""
        return F.interpolate(lr, scale_factor=float(self.config.scale), mode="bilinear", align_corners=False)

    def residual(self, lr: Tensor) -> Tensor:
        """Unprojected residual r (N,3,s*h,s*w) of an LR image (N,3,h,w) in [0,255]."""
        result: Tensor = self.body(self.upsample(lr) if self.config.body == "hr" else lr)
        return result

    def subtract(self, upsampled: Tensor, residual: Tensor) -> Tensor:
        """SR (N,3,H,W) from the bilinear upsampled image and its residual: projection, if there is one, and clip."""
        if self.projection is not None:
            residual = self.projection(upsampled, residual) * residual
        return (upsampled - residual).clamp(0.0, 255.0)

    @property
    def glue(self) -> Glue:
        """The arithmetic around the residual, with the learned alpha where there is a projection."""
        return glue_around(None if self.projection is None else self.projection.alpha.item())

    def factor_and_noise_level(self, upsampled: Tensor, residual: Tensor) -> tuple[float, float] | tuple[None, None]:
        """k and sigma of one image, both arguments (1,3,H,W); nothing without a projection."""
        if self.projection is None:
            return None, None
        sigma = self.projection.noise_level(upsampled)
        return self.projection.factor(residual, sigma).item(), sigma.item()

    def recorded_modules(self) -> dict[str, nn.Module]:
        """The modules whose outputs are recorded to compare with, by the name of their layer and in order."""
        return {"head": self.body.head, **{f"blocks.{i}": block for i, block in enumerate(self.body.blocks)}}

    def forward(self, lr: Tensor) -> Tensor:
        upsampled = self.upsample(lr)
        residual: Tensor = self.body(upsampled if self.config.body == "hr" else lr)
        return self.subtract(upsampled, residual)


def with_exportable_median(generator: Generator) -> Generator:
    """A copy whose noise level takes its median by operators that ONNX and TFLite have."""
    result = copy.deepcopy(generator)
    if result.projection is not None:
        result.projection.noise_level.median = lower_median_topk
    return result


def zero_padded(generator: Generator) -> Generator:
    """The same weights with zero padding in every convolution: equal to the generator away from an image's border."""
    result = Generator(replace(generator.config, padding="zero"))
    result.load_state_dict(generator.state_dict())
    return result.eval().requires_grad_(False)

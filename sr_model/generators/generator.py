"""G_SR: LR (N,3,h,w) in [0,255] -> SR (N,3,s*h,s*w) in [0,255], float32, RGB.

    u = bilinear(lr)   r = body   k = projection(u, r), or 1 without a projection   sr = clip(u - k*r, 0, 255)

SRResCGAN (arXiv 2005.00953) and SRResCycGAN (arXiv 2009.03693).
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.runtimes.bundle.manifest import Glue
from edgesr.sr_model.generators.bodies.bodies import BODIES
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.glue import glue_around
from edgesr.sr_model.generators.noise import lower_median_topk
from edgesr.sr_model.generators.projection_factor import Projection


class Generator(nn.Module):
    """The whole generator of a config; `residual` alone is what the tile graph holds."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.body = BODIES[config.body](config)
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

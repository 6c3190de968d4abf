"""The projection of a residual onto the ball of the image's noise level.

    k = min(1, exp(alpha)*sigma*sqrt(n-1) / ||r||)

SRResCGAN (arXiv 2005.00953), section 3.2; n is the number of values of one image, alpha is learned. The torch
counterpart of `edgesr.runtimes.glue.projection.projection_factor`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgesr.sr_model.generators.noise import LowerMedian, NoiseLevel, lower_median

_SMALLEST_NORMAL = 1e-30


class Projection(nn.Module):
    """Upsampled image and residual, both (N,3,H,W) in [0,255] units -> factor k (N,1,1,1) in [0,1]."""

    def __init__(self, initial_alpha: float, median: LowerMedian = lower_median) -> None:
        super().__init__()
        self.noise_level = NoiseLevel(median)
        self.alpha = nn.Parameter(torch.full((1,), initial_alpha))

    def factor(self, residual: Tensor, sigma: Tensor) -> Tensor:
        """k that bounds the root mean square of the residual by exp(alpha)*sigma; sigma is (N,1,1,1)."""
        values = residual.shape[1] * residual.shape[2] * residual.shape[3]
        rms = (residual.square().sum(dim=(1, 2, 3), keepdim=True) / (values - 1)).sqrt()
        bound = self.alpha.exp() * sigma
        k: Tensor = bound / torch.maximum(rms, bound).clamp_min(_SMALLEST_NORMAL)
        return k

    def forward(self, upsampled: Tensor, residual: Tensor) -> Tensor:
        return self.factor(residual, self.noise_level(upsampled))

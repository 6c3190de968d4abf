"""Loss terms of the GAN phase. Images are (N,3,H,W) in [0,1]; every term is a scalar.

SRResCGAN (arXiv 2005.00953, section 3.3) and SRResCycGAN (arXiv 2009.03693, section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

MeanOverProcesses = Callable[[Tensor], Tensor]
_LOW_PASS = 5


def high_pass(image: Tensor) -> Tensor:
    """(N,C,H,W) -> same: the image minus its 5x5 mean (at the border the mean of what is inside).

    D_y judges this. The papers name no filter; frequency separation by a mean filter is that of DSGAN
    (arXiv 1911.07850), its size is our choice.
    """
    return image - F.avg_pool2d(image, _LOW_PASS, stride=1, padding=_LOW_PASS // 2, count_include_pad=False)


def gradient_l1(image: Tensor, reference: Tensor) -> Tensor:
    """Total variation term: L1 between the forward differences of both, horizontal plus vertical."""
    horizontal = F.l1_loss(image.diff(dim=3), reference.diff(dim=3))
    return horizontal + F.l1_loss(image.diff(dim=2), reference.diff(dim=2))


def relativistic_loss(more_real: Tensor, less_real: Tensor, mean: MeanOverProcesses) -> Tensor:
    """Relativistic average GAN loss (Jolicoeur-Martineau, arXiv 1807.00734) of two sets of logits.

    The discriminator minimises it with (real, fake), the generator with (fake, real). ``mean`` averages logits over
    the batch and all processes.
    """
    upper, lower = more_real - mean(less_real), less_real - mean(more_real)
    return 0.5 * (
        F.binary_cross_entropy_with_logits(upper, torch.ones_like(upper))
        + F.binary_cross_entropy_with_logits(lower, torch.zeros_like(lower))
    )

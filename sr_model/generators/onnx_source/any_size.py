"""Files that say that they take one size: whether the same graph is right at others.

There is nothing to compare with at other sizes. What has to hold is that a picture's middle stays as it is when the
image around it grows or shrinks: a network whose sizes were baked in fails, or makes another picture.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from edgesr.runtimes.bundle.manifest import Size
from edgesr.sr_model.generators.foreign.contract import Contract

_STEP = 16
_SAME_DB = 40.0
_LARGEST = 255.0


def why_not_any_size(picture: nn.Module, contract: Contract, fixed: Size, photograph: Tensor) -> str | None:
    """The reason why a graph made for one size is not right at others; None if it seems to be.

    ``picture`` speaks our units; ``photograph`` (1,c,h,w) too.
    """
    step = math.lcm(_STEP, contract.multiple)
    largest = (fixed[0] + step, fixed[1] + step)
    image = continued(photograph, largest)
    whole = picture(image[:, :, : fixed[0], : fixed[1]])
    others = [largest, (largest[0], fixed[1]), (fixed[0], largest[1])]
    smaller = (fixed[0] - step, fixed[1] - step)
    if min(smaller) >= 2 * step:
        others.append(smaller)
    for height, width in others:
        other = picture(image[:, :, :height, :width])
        near = _psnr_of_middles(whole, other, contract.scale, (min(height, fixed[0]), min(width, fixed[1])))
        if near < _SAME_DB:
            return f"at {height}x{width} the middle of its picture is another one ({near:.1f} dB)"
    return None


def _psnr_of_middles(first: Tensor, second: Tensor, scale: int, size: Size) -> float:
    """PSNR of the part that both pictures have, without a quarter on each side."""
    rows, columns = (slice(side // 4 * scale, (side - side // 4) * scale) for side in size)
    error = (first[:, :, rows, columns] - second[:, :, rows, columns]).square().mean().item()
    return math.inf if error == 0 else -math.inf if math.isnan(error) else 10 * math.log10(_LARGEST**2 / error)


def continued(photograph: Tensor, size: Size) -> Tensor:
    """A photograph (1,c,h,w) of at least a size: where it is too small, its mirror image goes on."""
    missing = [max(0, side - given) for side, given in zip(size, photograph.shape[2:], strict=True)]
    pads = ((0, 0), (0, 0), (0, missing[0]), (0, missing[1]))
    return torch.from_numpy(np.pad(photograph.numpy(), pads, mode="symmetric"))

"""Noise level of an image by the median absolute deviation of its finest diagonal wavelet coefficients.

Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage" (1994); used by SRResCGAN (arXiv 2005.00953).
The torch counterpart of `edgesr.runtimes.glue.noise_level.noise_level`: same taps, same arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.runtimes.glue.noise_level import DB7_DIFFERENCE_TAPS, MAD_TO_SIGMA

LowerMedian = Callable[[Tensor], Tensor]
_PAD = (len(DB7_DIFFERENCE_TAPS) + 1) // 2


def lower_median(values: Tensor) -> Tensor:
    """(N,C,M) -> (N,C): the lower of the two middle values when M is even."""
    return values.median(dim=-1).values


def lower_median_topk(values: Tensor) -> Tensor:
    """`lower_median` from operators that ONNX and TFLite have: last of the M - (M-1)//2 largest."""
    count = values.shape[-1]
    return torch.topk(values, count - (count - 1) // 2, dim=-1).values[..., -1]


class NoiseLevel(nn.Module):
    """Image (N,3,H,W) in [0,255] -> noise level sigma (N,1,1,1) on the same scale.

    db7 high-pass along rows then columns, stride 2, reflect padding; median(|d|)/0.6745; mean over channels.
    The high-pass has zero mean, so it is applied as its 13 summed taps on first differences: a flat region gives
    exactly 0 on every runtime, instead of a rounding error that exp(alpha) would amplify.
    """

    taps_rows: Tensor
    taps_columns: Tensor

    def __init__(self, median: LowerMedian = lower_median) -> None:
        super().__init__()
        taps = torch.tensor(DB7_DIFFERENCE_TAPS, dtype=torch.float32)
        self.register_buffer("taps_rows", taps.view(1, 1, -1, 1).repeat(3, 1, 1, 1), persistent=False)
        self.register_buffer("taps_columns", taps.view(1, 1, 1, -1).repeat(3, 1, 1, 1), persistent=False)
        self.median = median

    def forward(self, image: Tensor) -> Tensor:
        padded = F.pad(image, (0, 0, _PAD, _PAD), mode="reflect")
        difference = padded[:, :, 1:, :] - padded[:, :, :-1, :]
        rows = F.conv2d(difference, self.taps_rows, stride=(2, 1), groups=3)
        padded = F.pad(rows, (_PAD, _PAD, 0, 0), mode="reflect")
        difference = padded[:, :, :, 1:] - padded[:, :, :, :-1]
        detail = F.conv2d(difference, self.taps_columns, stride=(1, 2), groups=3)
        sigma = self.median(detail.abs().flatten(2)) / MAD_TO_SIGMA
        return sigma.mean(dim=1).view(-1, 1, 1, 1)

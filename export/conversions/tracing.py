"""A PyTorch module as conversions take it: an input to trace it with, and its answers to prove files by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.wording import shown_text


def example_input(size: Size, *, channels: int) -> Tensor:
    """A deterministic LR (1,c,h,w) in [0,255] to trace with."""
    return torch.rand(1, channels, *size, generator=torch.Generator().manual_seed(0)) * 255


def answers_of(module: nn.Module) -> Callable[[FloatArray], FloatArray]:
    """The module as a function of an image (1,c,h,w) float32 in [0,255].

    Raises an EdgesrError where it cannot run a size.
    """

    def answer(batch: FloatArray) -> FloatArray:
        try:
            with torch.inference_mode():
                output: FloatArray = module(torch.from_numpy(np.ascontiguousarray(batch))).numpy()
        except (RuntimeError, ValueError, AssertionError) as error:
            height, width = batch.shape[2:]
            reason = shown_text(" ".join(str(error).split()))
            raise EdgesrError(
                f"the module cannot run an image of {height}x{width} in PyTorch: {reason}; let it pad its input to the "
                "sizes that it takes"
            ) from error
        return output

    return answer

"""The photographs on which converted files are proven against their PyTorch module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.glue.colour import network_image

if TYPE_CHECKING:
    from torch import nn

    from edgesr.export.conversions.proof import Proof

TRACE_SIZE: Size = (40, 56)
"""Not square, and no power of two: networks have branches for the size that they were trained at."""
_OTHER_SIZES: tuple[Size, ...] = ((27, 35), (45, 61), (64, 40), (48, 48))
"""Smaller and larger, odd and even, wide, high and square."""


def proof_of(module: nn.Module, *, minimum_side: int = 1, colour: Colour = "rgb") -> Proof:
    """The proof that a file computes what a module does: LR (1,c,h,w) in [0,255] -> SR or residual."""
    from edgesr.export.calibration.photographs import photograph
    from edgesr.export.conversions.proof import Proof
    from edgesr.export.conversions.tracing import answers_of

    sizes = [_at_least(minimum_side, size) for size in (TRACE_SIZE, *_OTHER_SIZES)]
    images = tuple(network_image(photograph("cat", size), colour) for size in sizes)
    return Proof(source=answers_of(module), images=images, traced=sizes[0])


def _at_least(minimum_side: int, size: Size) -> Size:
    """The size, larger by the same on both sides where one is too short, so that it stays odd and not square."""
    longer = max(minimum_side - min(size), 0)
    return size[0] + longer, size[1] + longer

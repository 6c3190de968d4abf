"""The contract of a generator that is not edgesr's own. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from edgesr.runtimes.bundle.contract import Colour, channels_of
from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.config import require_choice, require_range

SCALES = (1, 2, 3, 4, 8)
PEAKS = (1, 255)
LARGEST_MULTIPLE = 64


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A generator, LR (N,c,h,w) -> SR (N,c,s*h,s*w), that speaks [0,255] to us and [0,``peak``] inside.

    Its own code takes sides from ``network_side`` on that are multiples of ``multiple``; others are padded by
    reflection for it, and its picture is cut.
    """

    name: str
    scale: int
    colour: Colour = "rgb"
    peak: int = 1
    multiple: int = 1
    network_side: int = 1

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise InputError(f"{self.name}: its scale is {self.scale}, edgesr takes {', '.join(map(str, SCALES))}")
        if self.peak not in PEAKS:
            raise InputError(f"{self.name}: its peak is {self.peak}, edgesr takes {' and '.join(map(str, PEAKS))}")
        require_choice("colour", self.colour, get_args(Colour))
        require_range("multiple", self.multiple, 1, LARGEST_MULTIPLE)
        require_range("network_side", self.network_side, 1, 256)

    @property
    def channels(self) -> int:
        """Number of channels of its images."""
        return channels_of(self.colour)

    @property
    def minimum_side(self) -> int:
        """Least LR side whose reflection, which has fewer pixels, fills the next one that the network takes."""
        side = max(1, self.network_side - self.multiple + 1)
        while -side % self.multiple >= side:
            side += 1
        return side

    @property
    def padding(self) -> Literal["zero"]:
        """There is one graph for the inside and the border of an image."""
        return "zero"

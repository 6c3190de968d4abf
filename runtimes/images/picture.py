"""An image with what files carry next to its colours: alpha, 16 bits, greyness, colour profile, EXIF."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.arrays import PicturePixels


class PictureLook(Protocol):
    """A picture without its pixels, as its output has to look; see `Picture`."""

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def bits(self) -> int: ...

    @property
    def grey(self) -> bool: ...

    @property
    def alpha(self) -> PicturePixels | None: ...

    @property
    def icc(self) -> bytes | None: ...

    @property
    def exif(self) -> bytes | None: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """``pixels`` (h,w,3) RGB, uint8 or uint16 over its full range, C-contiguous; ``alpha`` (h,w) of the same dtype.

    ``grey``: the file was grey or 1-bit, so the three channels are equal. ``exif`` starts with b"Exif"; it has no
    orientation, which is applied to the pixels.
    """

    pixels: PicturePixels
    alpha: PicturePixels | None = None
    grey: bool = False
    icc: bytes | None = None
    exif: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def bits(self) -> int:
        """Bits a channel: 8 or 16."""
        return self.pixels.dtype.itemsize * 8

    @property
    def held_bytes(self) -> int:
        """Memory that it takes whatever the tiles."""
        return self.pixels.nbytes + (0 if self.alpha is None else self.alpha.nbytes)

    @property
    def row_bytes(self) -> int:
        """Memory that it takes next to that for each row of a tile."""
        return 0

    @property
    def reading(self) -> str:
        """The way in which the picture was read, in words."""
        return "read as a whole"

    def on_white(self) -> Picture:
        """The same picture without alpha: composited on white, rounded to nearest."""
        if self.alpha is None:
            return self
        white = np.iinfo(self.pixels.dtype).max
        alpha = self.alpha.astype(np.uint32)  # the largest sum below is 65535 * 65535 + 32767
        backdrop = (white - alpha) * white + white // 2
        pixels = np.empty_like(self.pixels)
        for channel in range(3):
            pixels[:, :, channel] = (self.pixels[:, :, channel].astype(np.uint32) * alpha + backdrop) // white
        return replace(self, pixels=pixels, alpha=None)

    def values(self) -> NDArray[np.float32]:
        """float32 (3,h,w) C-contiguous in [0,255], alpha ignored; 16-bit values are divided by 257."""
        values = np.ascontiguousarray(self.pixels.transpose(2, 0, 1), dtype=np.float32)
        if self.bits == 16:
            values /= np.float32(257)
        return values

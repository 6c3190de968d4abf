"""Pieces of an output, and the colours that are added to those of a network of one channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgesr.runtimes.arrays import AnyPixels, FloatArray, Image
from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.glue.bicubic import REACH, upsample_bicubic
from edgesr.runtimes.glue.colour import colours, network_image, rgb_picture
from edgesr.runtimes.upscaling.pixels import rgb_values
from edgesr.runtimes.upscaling.strips import Strip

PIECE_ROWS = 8
"""LR rows that numpy glue works on at one time."""


class Piece(NamedTuple):
    """A part of the output: its place in HR pixels, and its SR values (3,h,w) in [0,255]."""

    top: int
    left: int
    values: Image


@dataclass(frozen=True, eq=False)
class Colouring:
    """The way between RGB pixels and a network of a colour.

    A network of one channel takes luma; its picture gets the colours of the image, upsampled by bicubic interpolation.
    """

    colour: Colour
    scale: int

    def network_values(self, pixels: AnyPixels) -> FloatArray:
        """RGB pixels (h,w,3) -> float32 (c,h,w) in [0,255] as the network takes them."""
        return network_image(rgb_values(pixels), self.colour)

    def coloured(self, strip: Strip, top: int, left: int, picture: FloatArray) -> Iterator[Piece]:
        """RGB pieces of a network's picture (c,H,W), which lies at LR borders ``top`` and ``left`` of the output.

        ``strip`` is of the LR image, with the rows around it.
        """
        if self.colour == "rgb":
            yield Piece(top * self.scale, left * self.scale, picture)
            return
        height, width = (side // self.scale for side in picture.shape[1:])
        for start in range(0, height, PIECE_ROWS):
            rows = slice(top + start, top + min(start + PIECE_ROWS, height))
            added = self._colours(strip, rows, slice(left, left + width))
            band = picture[:, start * self.scale :][:, : added.shape[1]]
            yield Piece(
                rows.start * self.scale, left * self.scale, np.clip(rgb_picture(band, self.colour, added), 0, 255)
            )

    def _colours(self, strip: Strip, rows: slice, columns: slice) -> FloatArray:
        """Upsampled colours (2,H,W) of a part of the LR image."""
        top, left = max(rows.start - REACH, 0), max(columns.start - REACH, 0)
        around = rgb_values(strip.part(slice(top, rows.stop + REACH), slice(left, columns.stop + REACH)))
        return upsample_bicubic(
            colours(around),
            self.scale,
            slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left),
        )

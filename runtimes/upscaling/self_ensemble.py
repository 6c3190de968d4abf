"""The eight flips and transpositions of an image, as members of a self-ensemble (mean of all, before rounding)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class Member:
    """Flip rows, flip columns, then transpose."""

    flip_rows: bool = False
    flip_columns: bool = False
    transpose: bool = False

    def apply(self, image: NDArray[Value], rows: int) -> NDArray[Value]:
        """A view of an image whose axes ``rows`` and ``rows + 1`` are rows and columns."""
        flipped = self._flip(image, rows)
        return flipped.swapaxes(rows, rows + 1) if self.transpose else flipped

    def undo(self, image: NDArray[Value], rows: int) -> NDArray[Value]:
        """The inverse of `apply`, as a view."""
        return self._flip(image.swapaxes(rows, rows + 1) if self.transpose else image, rows)

    def _flip(self, image: NDArray[Value], rows: int) -> NDArray[Value]:
        axes = [rows + axis for axis, flip in enumerate((self.flip_rows, self.flip_columns)) if flip]
        return np.flip(image, axes) if axes else image


SINGLE = (Member(),)
ALL_EIGHT = tuple(Member(*flags) for flags in sorted(product((False, True), repeat=3), key=lambda flags: flags[2]))
"""Those that transpose come last: a runtime of fixed sizes changes its size once a tile."""

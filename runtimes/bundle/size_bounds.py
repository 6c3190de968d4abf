"""The LR sizes that a file takes, where it takes neither one alone nor any."""

from __future__ import annotations

from dataclasses import dataclass

_Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class SizeBounds:
    """Least and largest height and width (LR pixels) that a file takes: one size where both are the same.

    Its runtime plans the memory of the largest size when it loads the file.
    """

    least: _Size
    most: _Size

    @property
    def fixed(self) -> _Size | None:
        """The one size that there is, None where there are others."""
        return self.least if self.least == self.most else None

    @property
    def text(self) -> str:
        """The size bounds as messages name them: height x width."""
        return _text(self.least) if self.fixed else f"{_text(self.least)} to {_text(self.most)}"

    def hold(self, size: _Size) -> bool:
        """Whether a size (h,w) lies within them."""
        return all(low <= side <= high for low, side, high in zip(self.least, size, self.most, strict=True))


def taken_sizes(tile_size: _Size | None, bounds: SizeBounds | None) -> str:
    """The sizes that a file takes, in words: those of its bounds, its own, or any."""
    if bounds is not None:
        return bounds.text
    return "any" if tile_size is None else _text(tile_size)


def _text(size: _Size) -> str:
    return f"{size[0]}x{size[1]}"

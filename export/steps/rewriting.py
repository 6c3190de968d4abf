"""The inputs that every rewrite of a float32 file to a lower precision needs besides the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgesr.export.quantization.plan import Calibrated, Range
from edgesr.runtimes.bundle.contract import next_multiple
from edgesr.runtimes.bundle.manifest import Precision, Size

_SIZE: Size = (40, 56)


def taken_size(*, least_side: int, multiple: int) -> Size:
    """A small size, not square, that a graph takes whose sides are multiples, and not shorter than ``least_side``."""
    height, width = (next_multiple(max(side, least_side), multiple) for side in _SIZE)
    return height, width


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """``tile_file`` is the float32 ONNX tile graph with the artifact's padding, ``size`` an LR size that it takes.

    ``planned_file`` is the tile graph that ``calibrated`` belongs to, where it is padded otherwise than ``tile_file``.
    """

    precision: Precision
    tile_file: Path
    calibrated: Calibrated
    size: Size
    planned_file: Path | None = None

    def calibrated_for_tile_file(self) -> Calibrated:
        """The result of calibration, with ranges by the tensor names of ``tile_file``."""
        return self.calibrated.with_ranges(self._renamed)

    def _renamed(self, ranges: Mapping[str, Range]) -> dict[str, Range]:
        """A zero-padded graph has no tensors behind pads."""
        if self.planned_file is None:
            return dict(ranges)
        import onnx

        from edgesr.export.quantization.ranges import zero_padded_ranges

        return zero_padded_ranges(onnx.load(self.planned_file), onnx.load(self.tile_file), ranges)

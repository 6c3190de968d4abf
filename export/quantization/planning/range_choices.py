"""The ranges that a plan can have: by each method, and wider ones for images that no photograph is like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import onnx

from edgesr.export.calibration.extremes import extreme_tiles
from edgesr.export.graphs.onnx_graph import input_channels
from edgesr.export.quantization.plan import Range
from edgesr.export.quantization.planning.picture_ranges import picture_ranges
from edgesr.export.quantization.ranges import (
    choose_range,
    collect_histograms,
    image_ranges,
    quantizable_tensors,
    tensor_ends,
)
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod

_PART_OF_CHECKERBOARD = 0.3


class RangeChoices:
    """Ranges of a tile graph's tensors on tiles (c,h,w); those of the image and of the picture are always the same."""

    def __init__(self, model: onnx.ModelProto, tiles: Sequence[FloatArray], *, gives_picture: bool) -> None:
        size = tiles[0].shape[1:]
        tensors = quantizable_tensors(model)
        self._fixed = image_ranges(model, tensors, size, tiles) | (picture_ranges(model) if gives_picture else {})
        measured = [name for name in tensors if name not in self._fixed]
        self._histograms = collect_histograms(model, measured, tiles)
        extremes = extreme_tiles(input_channels(model), size)
        self._checkerboard = tensor_ends(model, measured, [extremes.pop("checkerboard")])
        self._flat = tensor_ends(model, measured, list(extremes.values()))
        self._chosen: dict[RangeMethod, dict[str, Range]] = {}

    def by(self, method: RangeMethod) -> dict[str, Range]:
        """The ranges of a method."""
        if method not in self._chosen:
            found = {name: choose_range(histogram, method) for name, histogram in self._histograms.items()}
            self._chosen[method] = found | self._fixed
        return self._chosen[method]

    def widened(self, ranges: Mapping[str, Range]) -> Iterator[dict[str, Range]]:
        """The same, holding what flat images reach, and then part of the way to a checkerboard, which is far."""
        flat = _union(ranges, self._flat)
        yield flat
        board = _union(flat, self._checkerboard)
        yield {name: _between(flat[name], board[name], _PART_OF_CHECKERBOARD) for name in flat}


def _union(ranges: Mapping[str, Range], others: Mapping[str, Range]) -> dict[str, Range]:
    both = {name: (ends, others.get(name, ends)) for name, ends in ranges.items()}
    return {name: (min(a[0], b[0]), max(a[1], b[1])) for name, (a, b) in both.items()}


def _between(ends: Range, others: Range, part: float) -> Range:
    low, high = ((1 - part) * a + part * b for a, b in zip(ends, others, strict=True))
    return low, high

"""Ranges of activations for static quantization: histograms of every tensor over calibration tiles, then a clip.

minmax       all values, outliers included
percentile   99.999% of the values
mse          the clip with the least squared error after rounding to 8 bits (Banner et al., arXiv 1810.05723, by search)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from edgesr.export.calibration.extremes import extreme_tiles
from edgesr.export.graphs.image_parts import image_tensors
from edgesr.export.graphs.onnx_graph import float_tensors, image_nodes, input_channels, runner
from edgesr.export.graphs.operators import PAD
from edgesr.export.quantization.plan import Range
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod
from edgesr.runtimes.bundle.manifest import Size

BINS = 4096
PERCENTILE = 99.999
_LEVELS = 255
_CLIP_STEPS = np.linspace(0.1, 1.0, 91)
_ROUNDS = 3


@dataclass(frozen=True)
class Histogram:
    """Counts of a tensor's values in equal bins from ``low`` to ``high``."""

    low: float
    high: float
    counts: NDArray[np.int64]

    @property
    def edges(self) -> NDArray[np.float64]:
        return np.linspace(self.low, self.high, len(self.counts) + 1)


def collect_histograms(
    model: onnx.ModelProto, tensors: Sequence[str], tiles: Sequence[FloatArray]
) -> dict[str, Histogram]:
    """Histogram of each tensor over all tiles (c,h,w); one tile's tensors at a time are held."""
    run = runner(model, tensors)
    lows, highs = dict.fromkeys(tensors, np.inf), dict.fromkeys(tensors, -np.inf)
    for tile in tiles:
        for name, values in run(tile).items():
            lows[name] = min(lows[name], float(values.min()))
            highs[name] = max(highs[name], float(values.max()))
    counts = {name: np.zeros(BINS, dtype=np.int64) for name in tensors}
    for tile in tiles:
        for name, values in run(tile).items():
            counts[name] += _count(values, lows[name], highs[name])
    return {name: Histogram(lows[name], highs[name], counts[name]) for name in tensors}


def choose_range(histogram: Histogram, method: RangeMethod) -> Range:
    """Low and high end of a tensor's quantized values; 0 is always among them, since zero padding must be exact."""
    if method == "minmax":
        low, high = histogram.low, histogram.high
    elif method == "percentile":
        low, high = _percentile(histogram)
    else:
        low, high = _least_squares(histogram)
    return min(low, 0.0), max(high, 0.0)


def quantizable_tensors(model: onnx.ModelProto) -> list[str]:
    """The float32 tensors that are computed from pixels, the image first."""
    floats = set(float_tensors(model))
    computed = [name for node in image_nodes(model) for name in node.output if name in floats]
    return list(dict.fromkeys((model.graph.input[0].name, *computed)))


def image_ranges(
    model: onnx.ModelProto, tensors: Sequence[str], size: Size = (16, 16), tiles: Sequence[FloatArray] = ()
) -> dict[str, Range]:
    """Full ranges of those tensors that no weights precede (the image itself, scaled, padded, upsampled).

    Their values are those of any photograph, whatever was calibrated on: what extreme images of a size give, and those
    of ``tiles`` where an image is not only scaled but normalised by what is in it.
    """
    images = image_tensors(model)
    extremes = extreme_tiles(input_channels(model), size).values()
    return tensor_ends(model, [name for name in tensors if name in images], [*extremes, *tiles])


def tensor_ends(model: onnx.ModelProto, tensors: Sequence[str], tiles: Sequence[FloatArray]) -> dict[str, Range]:
    """Least and largest value of each tensor on the tiles, and 0 among them."""
    run = runner(model, tensors)
    found = [run(tile) for tile in tiles]
    return {name: _ends_with_zero([values[name] for values in found]) for name in tensors}


def _ends_with_zero(found: Sequence[FloatArray]) -> Range:
    return min(0.0, *(float(values.min()) for values in found)), max(0.0, *(float(values.max()) for values in found))


def wide_ranges(tile_graph: onnx.ModelProto, tiles: Sequence[FloatArray]) -> dict[str, Range]:
    """Ranges for 16-bit activations: twice those of all tensors, since layers may end behind what follows them."""
    tensors = quantizable_tensors(tile_graph)
    ranges = {n: choose_range(h, "minmax") for n, h in collect_histograms(tile_graph, tensors, tiles).items()}
    fixed = image_ranges(tile_graph, tensors, tiles[0].shape[1:], tiles)
    return {n: (2 * low, 2 * high) for n, (low, high) in (ranges | fixed).items()}


def affine_8bit(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point (0..255) of the uint8 quantization of [low, high], both containing 0."""
    scale = (high - low) / _LEVELS
    return (scale, round(-low / scale)) if scale > 0 else (1.0, 0)


def _count(values: FloatArray, low: float, high: float) -> NDArray[np.int64]:
    step = (high - low) / BINS
    if step <= 0:
        counts = np.zeros(BINS, dtype=np.int64)
        counts[0] = values.size
        return counts
    index = ((values.ravel() - np.float32(low)) * np.float32(1 / step)).astype(np.int32)
    return np.bincount(np.clip(index, 0, BINS - 1), minlength=BINS)


def zero_padded_ranges(
    model: onnx.ModelProto, zero_padded: onnx.ModelProto, ranges: Mapping[str, Range]
) -> dict[str, Range]:
    """Ranges for the same graph without its pads, traced anew: tensors are matched by their place in the graph.

    A tensor before a pad takes the range of the one behind it, where it has none of its own.
    """
    names = {model.graph.input[0].name: zero_padded.graph.input[0].name}
    for node, same in zip(_without_pads(model), _without_pads(zero_padded), strict=True):
        names.update(zip(node.output, same.output, strict=True))
    before = {node.input[0]: ranges[node.output[0]] for node in model.graph.node if _is_ranged_pad(node, ranges)}
    return {names[name]: ends for name, ends in {**before, **ranges}.items() if name in names}


def _without_pads(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type != PAD]


def _is_ranged_pad(node: onnx.NodeProto, ranges: Mapping[str, Range]) -> bool:
    return node.op_type == PAD and node.output[0] in ranges


def _percentile(histogram: Histogram) -> Range:
    tail = (1 - PERCENTILE / 100) / 2
    below = np.cumsum(histogram.counts) / histogram.counts.sum()
    edges = histogram.edges
    first = int(np.searchsorted(below, tail))
    last = int(np.searchsorted(below, 1 - tail))
    return float(edges[first]), float(edges[min(last + 1, BINS)])


def _least_squares(histogram: Histogram) -> Range:
    """Shrink one end, then the other, a few times: the error is smooth and has one valley in each."""
    edges, filled = histogram.edges, histogram.counts > 0
    centres, counts = ((edges[1:] + edges[:-1]) / 2)[filled], histogram.counts[filled]
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)

    def error(low: float, high: float) -> float:
        scale, zero_point = affine_8bit(low, high)
        restored = (np.clip(np.rint(centres / scale) + zero_point, 0, _LEVELS) - zero_point) * scale
        return float((counts * (restored - centres) ** 2).sum())

    for _ in range(_ROUNDS):
        if histogram.low < 0:
            low = min((histogram.low * step for step in _CLIP_STEPS), key=lambda value: error(value, high))
        if histogram.high > 0:
            high = min((histogram.high * step for step in _CLIP_STEPS), key=lambda value: error(low, value))
    return low, high

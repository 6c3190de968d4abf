"""The layers of two artifacts, one tensor after the other."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgesr.benchmarks.parity.comparison import finite
from edgesr.export.diff.alignment import nearest, relative_rms, root_mean_square
from edgesr.export.graphs.layer_graphs import Layer, LayerTensors
from edgesr.export.graphs.operators import LAYERS
from edgesr.runtimes.arrays import FloatArray


@dataclass(frozen=True, kw_only=True)
class LayerDifference:
    """One tensor (c,h,w) of A against that of B, in the tensor's own units; those inside attention have other axes.

    ``relative_rms``: RMS error by RMS of B's tensor; ``snr_db`` the same in dB; ``growth``: ``relative_rms`` by that of
    the tensor before. None: ``snr_db`` of equal tensors, ``growth`` of the first tensor and after an error of 0; all
    numbers where A or B is not finite, ``relative_rms`` where B is 0 and A is not. ``passed``: ``relative_rms`` is not
    above the threshold.
    """

    tensor: str
    layer: str
    operator: str
    shape: tuple[int, ...]
    max_abs_error: float | None
    rms_error: float | None
    relative_rms: float | None
    snr_db: float | None
    growth: float | None
    passed: bool

    @property
    def name(self) -> str:
        """The layer, with the operator behind it where that is not the layer itself."""
        return self.layer if self.operator in (*LAYERS, "output") else f"{self.layer} > {self.operator}"


def compare(
    layers: Sequence[Layer], a: LayerTensors, b: LayerTensors, limit: float, pictures: Collection[str] = ()
) -> tuple[LayerDifference, ...]:
    """Compare the layers that both artifacts have, in their order. ``pictures`` are tensors whose axes have one order
    alone.

    A layer is left out whose values have other axes in both, and one above the limit whose tensor is doubtful: the
    operator that reads it tells then whether it is wrong.
    """
    found: list[LayerDifference] = []
    for layer in layers:
        if layer.tensor in a.names and layer.tensor in b.names:
            ours, theirs = a.read(layer.tensor), b.read(layer.tensor)
            as_it_is = layer.tensor in pictures and ours[0].shape == theirs[0].shape
            pair = (ours[0], theirs[0]) if as_it_is else nearest(ours, theirs, limit)
            difference = None if pair is None else _difference(layer, *pair, limit)
            if difference is not None and (difference.passed or layer.tensor not in a.doubtful | b.doubtful):
                found.append(_with_growth(difference, found))
    return tuple(found)


def _with_growth(difference: LayerDifference, before: Sequence[LayerDifference]) -> LayerDifference:
    last = before[-1].relative_rms if before else None
    if not last or difference.relative_rms is None:
        return difference
    return replace(difference, growth=finite(difference.relative_rms / last))


def _difference(layer: Layer, a: FloatArray, b: FloatArray, limit: float) -> LayerDifference:
    with np.errstate(invalid="ignore", over="ignore"):
        error = a.astype(np.float64) - b
    relative = relative_rms(a, b)
    return LayerDifference(
        tensor=layer.tensor,
        layer=layer.layer,
        operator=layer.operator,
        shape=tuple(b.shape),
        max_abs_error=finite(float(np.abs(error).max())),
        rms_error=finite(root_mean_square(error)),
        relative_rms=finite(relative),
        snr_db=finite(-20 * math.log10(relative)) if relative > 0 else None,
        growth=None,
        passed=relative <= limit,
    )

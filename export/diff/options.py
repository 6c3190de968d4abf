"""Options of a comparison layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgesr.runtimes.errors import InputError


@dataclass(frozen=True, kw_only=True)
class DiffOptions:
    """Options of `diff`. ``golden`` is the id of the golden to run; None takes the first that both artifacts take, or,
    against PyTorch, the one whose layers were recorded.

    ``threshold`` is the largest relative RMS error of a layer; None takes that of the coarser precision. ``exact`` runs
    each file in its runtime's exact arithmetic: ONNX Runtime without graph optimisations and int8 kernels, ncnn with
    plain kernels alone, MNN with small blocks of Winograd convolutions, LiteRT with its own kernels as ever. Raises
    InputError for a file whose runtime has no exact arithmetic for it.
    """

    golden: str | None = None
    threshold: float | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        if self.threshold is not None and not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise InputError(f"--threshold {self.threshold}: give a relative RMS error of 0 or more, for example 1e-4")

"""Options of a comparison layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgesr.runtimes.errors import InputError


@dataclass(frozen=True, kw_only=True)
class DiffOptions:
    """``golden``: id of the one to run; None: the first that both take, with PyTorch the one that has its tensors.

    ``threshold``: relative RMS error that a layer may have; None: that of the coarser precision. ``exact``: each file
    in its runtime's exact arithmetic, ONNX Runtime's without graph optimisations and int8 kernels, ncnn's with plain
    kernels alone, MNN's with small blocks of Winograd convolutions, LiteRT's own kernels as ever; an InputError for
    files that their runtime has none for.
    """

    golden: str | None = None
    threshold: float | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        if self.threshold is not None and not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise InputError(f"--threshold {self.threshold}: give a relative RMS error of 0 or more, for example 1e-4")

"""The quality that a quantized tile graph loses against the float graph, measured against HR photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from edgesr.benchmarks.quality.metrics import capped_psnr, crop_border
from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.quantization.planning.fidelity import Finish
from edgesr.runtimes.arrays import FloatArray

_BORDER = 4


class QualityLoss:
    """Mean PSNR (peak 255, 4 pixels of the border left out) against HR, of a float graph and of quantized ones.

    ``pairs``: LR (c,h,w) and HR (c,s*h,s*w), as the network takes and gives them.
    """

    def __init__(self, model: onnx.ModelProto, pairs: Sequence[tuple[FloatArray, FloatArray]], finish: Finish) -> None:
        self._pairs, self._finish = pairs, finish
        self._float_db = self._quality_db(model, exact=False)

    def drop_db(self, quantized: onnx.ModelProto) -> float:
        """The loss of a quantized form in dB, in exact arithmetic."""
        return self._float_db - self._quality_db(quantized, exact=True)

    def _quality_db(self, model: onnx.ModelProto, *, exact: bool) -> float:
        run = runner(model, exact=exact)
        pictures = ((self._finish(lr, next(iter(run(lr).values()))[0]), hr) for lr, hr in self._pairs)
        return float(np.mean([capped_psnr(crop_border(sr, _BORDER), crop_border(hr, _BORDER)) for sr, hr in pictures]))

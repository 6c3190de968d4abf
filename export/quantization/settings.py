"""What the user asks of quantized activations: on which tiles, within which budget."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.export.calibration.tiles import CalibrationSet
from edgesr.export.quantization.plan import Budget
from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod


@dataclass(frozen=True, kw_only=True)
class QuantizationSettings:
    """The tiles to calibrate and choose on, the budget for int8, and one range method or None for the best."""

    calibration: CalibrationSet
    budget: Budget
    range_method: RangeMethod | None

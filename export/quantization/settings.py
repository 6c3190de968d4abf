"""Settings of quantized activations: the tiles, and the budget or the plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.export.calibration.tiles import CalibrationSet
from edgesr.export.calibration.validation import ValidationSet
from edgesr.export.quantization.plan import AskedBudget, Plan
from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod


@dataclass(frozen=True, kw_only=True)
class QuantizationSettings:
    """The tiles to calibrate and choose on, the budget for int8, and one range method or None for the best.

    ``validation``: photographs for a budget of quality. ``given_plan``: that of ``plan_file``, where it existed; the
    plan that is found is written there otherwise.
    """

    calibration: CalibrationSet
    asked: AskedBudget
    range_method: RangeMethod | None
    validation: ValidationSet | None = None
    plan_file: Path | None = None
    given_plan: Plan | None = None

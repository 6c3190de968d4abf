"""The manifest's record of how an artifact was quantized."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edgesr.export.quantization.plan import Calibrated
from edgesr.export.records import FloatLayers
from edgesr.runtimes.bundle.calibrated_quantization import QuantizationRecord

if TYPE_CHECKING:
    from edgesr.export.quantization.settings import QuantizationSettings


def record_of_ranges(
    _calibrated: Calibrated, quantization: QuantizationSettings, _reduced_range: bool
) -> QuantizationRecord:
    """The record of an artifact whose activations have 16 bits: all its convolutions, in the ranges of the tiles."""
    return QuantizationRecord(
        calibration=quantization.calibration.record(),
        range_method="minmax",
        scope="conv",
        bias_corrected=False,
        reduced_range=False,
        sensitivity=(),
        float_layers=(),
        quantized_mac_share=1.0,
        min_psnr_budget_db=None,
        max_shift_budget=None,
        mean_psnr_db=None,
        worst_psnr_db=None,
        max_mean_shift=None,
    )


def record_of_plan(
    calibrated: Calibrated, quantization: QuantizationSettings, reduced_range: bool
) -> QuantizationRecord:
    """The record of an int8 artifact; ``reduced_range``: with weights in 7 bits."""
    plan = calibrated.require_plan()
    measured, biases = (plan.measured, plan.biases) if reduced_range else (plan.measured_8bit, plan.biases_8bit)
    assert measured is not None and plan.budget is not None
    return QuantizationRecord(
        calibration=plan.calibration or quantization.calibration.record(),
        range_method=plan.range_method,
        scope=plan.scope,
        bias_corrected=bool(biases),
        reduced_range=reduced_range,
        sensitivity=plan.sensitivity,
        float_layers=tuple(plan.labels[layer] for layer in plan.float_layers),
        quantized_mac_share=plan.int8_mac_share,
        min_psnr_budget_db=plan.budget.min_psnr_db,
        max_shift_budget=plan.budget.max_shift,
        mean_psnr_db=measured.mean_psnr_db,
        worst_psnr_db=measured.worst_psnr_db,
        max_mean_shift=measured.max_mean_shift,
        max_drop_budget_db=plan.budget.max_drop_db,
        drop_db=measured.drop_db,
        validation=plan.validation,
    )


def with_float_layers(record: QuantizationRecord, left: FloatLayers) -> QuantizationRecord:
    """The record of a file in which these layers stayed in float too: their work is not quantized."""
    share = max(record.quantized_mac_share - left.mac_share, 0.0)
    record = replace(record, float_layers=record.float_layers + left.names, quantized_mac_share=share)
    if left.measured:
        return record
    return replace(record, scope="conv", mean_psnr_db=None, worst_psnr_db=None, max_mean_shift=None, drop_db=None)

"""The layers that no quantizer could take, and what the manifest says of the work that is left."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from edgesr.export.assembly import Assembly
from edgesr.export.calibration.tiles import synthetic_calibration
from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.formats.tflite_target import TFLITE
from edgesr.export.options import ExportOptions
from edgesr.export.quantization.plan import AskedBudget, Budget, Measured, Plan
from edgesr.export.quantization.settings import QuantizationSettings
from edgesr.export.records import FloatLayers, read_float_layers, write_float_layers
from edgesr.export.stages.converted import ConvertedArtifact
from edgesr.export.stages.runner import StageRunner
from edgesr.runtimes.bundle.manifest import Precision

MEASURED = Measured(mean_psnr_db=41.0, worst_psnr_db=40.0, max_mean_shift=0.1, max_abs_error=20.0, keeps_flat=True)
PLAN = Plan(
    scope="conv",
    range_method="minmax",
    ranges={},
    labels={"conv_1": "a", "conv_2": "b"},
    float_layers=("conv_1",),
    int8_mac_share=0.7,
    measured=MEASURED,
    measured_8bit=MEASURED,
    budget=Budget(min_psnr_db=40.0, max_shift=0.3),
)


@pytest.mark.parametrize(
    ("precision", "share", "layers"), [("int8", 0.7 - 0.25, ("a", "b")), ("w8a16", 1 - 0.25, ("b",))]
)
def test_work_of_layers_that_no_quantizer_takes_is_not_told_as_quantized(
    precision: Precision, share: float, layers: tuple[str, ...], tmp_path: Path
) -> None:
    write_float_layers(tmp_path, FloatLayers(("b",), 0.25))
    settings = QuantizationSettings(calibration=synthetic_calibration(), asked=AskedBudget(), range_method=None)
    runner = SimpleNamespace(plan=lambda _: PLAN, wide_ranges=lambda _: {})
    plan = ArtifactPlan(TFLITE, "tile", precision, (64, 64))
    converted = ConvertedArtifact(plan=plan, file=tmp_path / "model.tflite", versions={}, folder=tmp_path)
    assembly = Assembly(
        runner=cast(StageRunner, runner),
        checkpoint_name="",
        options=ExportOptions(),
        quantization=settings,
        converted=[converted],
        goldens=(tmp_path, ()),
    )
    record = assembly._quantization_record(converted)
    assert record is not None and record.float_layers == layers
    assert record.quantized_mac_share == pytest.approx(share)


def test_a_file_without_such_layers_tells_none(tmp_path: Path) -> None:
    assert read_float_layers(tmp_path) == FloatLayers((), 0.0)

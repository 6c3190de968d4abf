"""What the manifest and the terminal say about how an artifact was quantized."""

from __future__ import annotations

from edgesr.benchmarks.tables.table import Table
from edgesr.export.formats.targets import CALIBRATED, ArtifactPlan
from edgesr.export.quantization.plan import Plan
from edgesr.export.quantization.settings import Quantization
from edgesr.export.stages.runner import StageRunner
from edgesr.runtimes.bundle.calibrated_quantization import QuantizationRecord
from edgesr.runtimes.bundle.manifest import Artifact, Manifest
from edgesr.runtimes.wording import counted


def quantization_record(
    runner: StageRunner, artifact: ArtifactPlan, quantization: Quantization | None
) -> QuantizationRecord | None:
    """The record of an artifact with calibrated activations, None for others."""
    if quantization is None or artifact.precision not in CALIBRATED:
        return None
    if artifact.precision == "int8":
        return _of_plan(runner.plan(quantization), quantization, reduced_range=artifact.target.name == "onnx")
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


def quantization_tables(manifest: Manifest) -> list[Table]:
    """How each calibrated artifact was quantized, and the ranking of layers where one was measured."""
    quantized = [a for a in manifest.artifacts if a.quantization is not None]
    if not quantized:
        return []
    columns = ("artifact", "calibration", "ranges", "int8", "MACs quantized", "in float", "selection tiles")
    tables = [Table("Quantization", columns, tuple(_row(a) for a in quantized))]
    ranked = next((a.quantization for a in quantized if a.quantization and a.quantization.sensitivity), None)
    if ranked is not None:
        rows = tuple(
            (s.layer, f"{s.psnr_db:.1f}", f"{s.mac_share:.1%}", "float" if s.layer in ranked.float_layers else "int8")
            for s in ranked.sensitivity
        )
        tables.append(Table("Sensitivity: each convolution alone in int8", ("layer", "PSNR dB", "MACs", "kept"), rows))
    return tables


def _row(artifact: Artifact) -> tuple[str, ...]:
    record = artifact.quantization
    assert record is not None
    measured = "-"
    if record.mean_psnr_db is not None:
        measured = (
            f"mean {record.mean_psnr_db:.1f} dB, worst {record.worst_psnr_db:.1f} dB, shift {record.max_mean_shift:.2f}"
        )
    return (
        artifact.id,
        f"{record.calibration.source}, {counted(record.calibration.tiles, 'tile')}",
        record.range_method,
        "all operators" if record.scope == "all" else "convolutions",
        f"{record.quantized_mac_share:.0%}",
        ", ".join(record.float_layers) or "-",
        measured,
    )


def _of_plan(plan: Plan, quantization: Quantization, *, reduced_range: bool) -> QuantizationRecord:
    measured, biases = (plan.measured, plan.biases) if reduced_range else (plan.measured_8bit, plan.biases_8bit)
    assert measured is not None
    return QuantizationRecord(
        calibration=quantization.calibration.record(),
        range_method=plan.range_method,
        scope=plan.scope,
        bias_corrected=bool(biases),
        reduced_range=reduced_range,
        sensitivity=plan.sensitivity,
        float_layers=tuple(plan.labels[layer] for layer in plan.float_layers),
        quantized_mac_share=plan.int8_mac_share,
        min_psnr_budget_db=quantization.budget.min_psnr_db,
        max_shift_budget=quantization.budget.max_shift,
        mean_psnr_db=measured.mean_psnr_db,
        worst_psnr_db=measured.worst_psnr_db,
        max_mean_shift=measured.max_mean_shift,
    )

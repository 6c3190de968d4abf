"""The quantization of a bundle's calibrated artifacts, as rows of text."""

from __future__ import annotations

from edgesr.benchmarks.tables.table import Table
from edgesr.runtimes.bundle.manifest import Artifact, Manifest
from edgesr.runtimes.wording import counted


def quantization_tables(manifest: Manifest) -> list[Table]:
    """Tables of how each calibrated artifact was quantized, and of the ranking of layers if one was measured."""
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
        tables.append(Table("Sensitivity: each layer alone in int8", ("layer", "PSNR dB", "MACs", "kept"), rows))
    return tables


def _row(artifact: Artifact) -> tuple[str, ...]:
    record = artifact.quantization
    assert record is not None
    measured = "-"
    if record.mean_psnr_db is not None:
        measured = (
            f"mean {record.mean_psnr_db:.1f} dB, worst {record.worst_psnr_db:.1f} dB, shift {record.max_mean_shift:.2f}"
        )
    if record.drop_db is not None:
        measured += f", loss {record.drop_db:.3f} dB on {record.validation}"
    return (
        artifact.id,
        f"{record.calibration.source}, {counted(record.calibration.tiles, 'tile')}",
        record.range_method,
        "all operators" if record.scope == "all" else "layers only",
        f"{record.quantized_mac_share:.0%}",
        ", ".join(record.float_layers) or "-",
        measured,
    )

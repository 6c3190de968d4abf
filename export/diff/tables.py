"""A comparison layer by layer, as rows of text."""

from __future__ import annotations

from edgesr.benchmarks.tables.table import Table, shape_text
from edgesr.export.diff.differences import LayerDifference
from edgesr.export.diff.layers import DiffResult
from edgesr.runtimes.wording import counted, first_names


def diff_table(result: DiffResult) -> Table:
    """One row a tensor, in the order of the network; the last column marks those above the threshold."""
    height, width = result.size
    exact = ", exact arithmetic" if result.exact else ""
    title = (
        f"{result.a} against {result.b} on golden {result.golden} ({height}x{width}{exact}), "
        f"threshold {result.threshold:g} of relative RMS"
    )
    columns = ("layer", "tensor", "shape", "max error", "RMS error", "relative RMS", "SNR dB", "growth", "")
    return Table(title, columns, tuple(_row(layer) for layer in result.layers))


def diff_summary(result: DiffResult) -> list[str]:
    """The first layer above the threshold, or that there is none, and what could not be compared."""
    lines = [f"no layer is above {result.threshold:g}"]
    if result.first_over is not None:
        over = sum(not layer.passed for layer in result.layers)
        above = f"{over} of {counted(len(result.layers), 'tensor')}"
        lines = [f"first layer above {result.threshold:g}: {result.first_over} ({above})"]
    if result.not_compared:
        lines.append(f"not compared, since both do not hold it in one form: {first_names(result.not_compared)}")
    return lines


def _row(layer: LayerDifference) -> tuple[str, ...]:
    numbers = (layer.max_abs_error, layer.rms_error, layer.relative_rms)
    return (
        layer.name,
        layer.tensor,
        shape_text(layer.shape),
        *("-" if value is None else f"{value:.2e}" for value in numbers),
        ("exact" if layer.rms_error == 0 else "-") if layer.snr_db is None else f"{layer.snr_db:.1f}",
        "-" if layer.growth is None else f"{layer.growth:.2f}",
        "" if layer.passed else "ABOVE",
    )

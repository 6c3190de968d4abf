"""The picture of a diff: relative RMS error of every layer on a logarithmic axis, with the threshold."""

from __future__ import annotations

import io
from pathlib import Path

from edgesr.export.diff.layers import DiffResult
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import write_atomically
from edgesr.runtimes.packages import require_packages

_SUFFIXES = (".svg", ".png")
_DPI = 110
_INCHES_PER_LAYER = 0.26
_LEAST_ERROR = 1e-9


def require_drawable(path: Path | None) -> None:
    """Refuse a picture that could not be drawn, before anything is measured."""
    if path is not None:
        if path.suffix not in _SUFFIXES:
            raise InputError(f"--plot {path}: give a file name that ends in {' or '.join(_SUFFIXES)}")
        require_packages("--plot", ("matplotlib",), extra="train")


def draw_differences(result: DiffResult, path: Path | None) -> None:
    """Draw a picture (.svg or .png), whole or not at all; nothing without a path."""
    if path is None:
        return
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    errors, (left, right) = _drawn_errors(result)
    rows = range(len(errors))
    figure = Figure(figsize=(9, 1.4 + _INCHES_PER_LAYER * len(errors)), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(errors, rows, color="grey", linewidth=1)
    for passed, colour in ((True, "tab:blue"), (False, "tab:red")):
        marked = [row for row in rows if result.layers[row].passed is passed]
        axes.scatter([errors[row] for row in marked], marked, color=colour, s=18, zorder=3)
    if result.threshold > 0:
        axes.axvline(result.threshold, color="black", linestyle=":", linewidth=1, label="threshold")
        axes.legend(fontsize=7)
    axes.set_yticks(rows, [layer.name for layer in result.layers], fontsize=7)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(left / 1.2, right * 1.2)
    axes.set_xlabel("RMS error by RMS of the reference")
    axes.set_title(f"{result.a} against {result.b}, golden {result.golden}", fontsize=9)
    axes.grid(alpha=0.3)
    kind, drawn = path.suffix[1:], io.BytesIO()
    with rc_context({"svg.hashsalt": "edgesr", "svg.fonttype": "none"}):
        figure.savefig(drawn, format=kind, dpi=_DPI, metadata={"Date": None} if kind == "svg" else None)
    write_atomically(path, drawn.getvalue())


def _drawn_errors(result: DiffResult) -> tuple[list[float], tuple[float, float]]:
    """Errors as they are drawn and the ends of the axis: 0 at its left end, what is not finite at its right."""
    known = [layer.relative_rms for layer in result.layers if layer.relative_rms is not None]
    shown = [value for value in (result.threshold, *known) if value > _LEAST_ERROR] or [_LEAST_ERROR]
    left, right = min(shown) / 2, max(shown) * 2
    values = [right if layer.relative_rms is None else max(layer.relative_rms, left) for layer in result.layers]
    return values, (left, right)

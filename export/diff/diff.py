"""Two artifacts compared layer by layer: checked before, measured, written."""

from __future__ import annotations

from pathlib import Path

from edgesr.benchmarks.results.writing import require_writable, write_json
from edgesr.export.diff.layers import DiffResult, compare_layers
from edgesr.export.diff.options import DiffOptions
from edgesr.export.diff.plot import draw_differences, require_drawable
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError


def diff(
    bundle: Bundle,
    a: str,
    b: str,
    options: DiffOptions | None = None,
    *,
    json: Path | None = None,
    plot: Path | None = None,
) -> DiffResult:
    """Compare artifact ``a`` with artifact ``b``, or with PyTorch as recorded at export where ``b`` is "pytorch".

    The result is also written to ``json`` and drawn to ``plot`` (.svg or .png), which must be no files of the bundle.
    """
    require_writable(json, bundle.root)
    require_writable(plot, bundle.root, json)
    require_drawable(plot)
    if json is not None and plot is not None and json.absolute() == plot.absolute():
        raise InputError(f"{json}: is named for the result and for the plot; give another name")
    result = compare_layers(bundle, a, b, options or DiffOptions())
    write_json(result, json)
    draw_differences(result, plot)
    return result

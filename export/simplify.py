"""onnxsim, kept only when its result computes the same as its input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import onnxsim
from numpy.typing import NDArray

from runtimes.errors import EdgesrError

_MAX_ABS_ERROR = 1e-2


def simplify(source: Path, target: Path, *, tiles: Sequence[NDArray[np.float32]]) -> None:
    """Write the simplified model; an EdgesrError when it differs by more than 0.01 of 255 on any tile (3,h,w)."""
    model, _ = onnxsim.simplify(onnx.load(source))
    onnx.checker.check_model(model)
    onnx.save(model, target)
    for tile in tiles:
        error = float(np.abs(_run(source, tile) - _run(target, tile)).max())
        if not error <= _MAX_ABS_ERROR:
            raise EdgesrError(
                f"onnxsim changed what {target.name} computes: max error {error:.3g} of 255; report this model"
            )


def _run(path: Path, tile: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    output: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: tile[None]})[0]
    return output

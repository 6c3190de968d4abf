"""Small photographs on which a rewritten ONNX file is compared with the one before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIZES = ((32, 48), (33, 47))


def proof_tiles() -> list[NDArray[np.float32]]:
    """LR tiles (3,h,w) in [0,255], one of even sides and one of odd ones."""
    from edgesr.export.calibration.photographs import photograph

    return [photograph("cat", size) for size in _SIZES]

"""Arrays by name: the shape, layout and range that numpy's own types do not tell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
"""Of any shape: a tensor of a network, a batch."""
Image = NDArray[np.float32]
"""(3,h,w), RGB, in [0,255]."""
Pixels = NDArray[np.uint8]
"""(h,w,3), RGB."""
AnyPixels = NDArray[Any]
"""(h,w,3), RGB: uint8, uint16 (0..65535) or float32 in [0,255]."""
PicturePixels = NDArray[np.uint8 | np.uint16]
"""(h,w,c) with 1, 3 or 4 channels, as a file has them."""

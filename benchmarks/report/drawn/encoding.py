"""Pictures as data URIs: each distinct one once, all of them within a budget."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesr.runtimes.arrays import Pixels

_QUALITIES = (None, 95, 90, 80, 65, 50)
_HEAT_STOPS = ((0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191))
_MOST_DOUBLINGS = 24


class PictureStore:
    """Distinct pictures (h,w,3), each under the number that `add` gives."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._pictures: list[Pixels] = []

    def add(self, pixels: Pixels) -> int:
        """The number of a picture; identical ones share it."""
        key = hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
        if key not in self._numbers:
            self._numbers[key] = len(self._pictures)
            self._pictures.append(pixels)
        return self._numbers[key]

    def encoded(self, budget_bytes: int) -> tuple[list[str], int | None]:
        """Data URIs by number, and the WebP quality (None: lossless), the best that keeps all within the budget."""
        for quality in _QUALITIES:
            uris = [webp_uri(pixels, quality) for pixels in self._pictures]
            if sum(map(len, uris)) <= budget_bytes or quality == _QUALITIES[-1]:
                break
        return uris, quality


def webp_uri(pixels: Pixels, quality: int | None) -> str:
    """(h,w,3) as a data URI of WebP, lossless without a quality."""
    options: dict[str, Any] = {"lossless": True, "method": 3} if quality is None else {"quality": quality, "method": 4}
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="WEBP", **options)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def heat_map(error: NDArray[np.float32], largest_side: int) -> tuple[Pixels, int]:
    """Absolute error (H,W), 0..255, in colours (black: none) and how often it was doubled.

    Above ``largest_side`` each pixel is the maximum of its block, so that no error is averaged away.
    """
    block = -(-max(error.shape) // largest_side)
    height, width = (-(-side // block) * block for side in error.shape)
    padded = np.zeros((height, width), dtype=np.float32)
    padded[: error.shape[0], : error.shape[1]] = error
    pooled = padded.reshape(height // block, block, width // block, block).max(axis=(1, 3))
    doublings = 0
    while doublings < _MOST_DOUBLINGS and 0 < float(pooled.max()) * 2 ** (doublings + 1) <= 255:
        doublings += 1
    scaled = np.clip(pooled * 2**doublings, 0, 255)
    places = np.linspace(0, 255, len(_HEAT_STOPS))
    channels = [np.interp(scaled, places, [stop[c] for stop in _HEAT_STOPS]) for c in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8), doublings

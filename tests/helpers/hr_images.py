"""Small HR images for tests, from the shipped photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.arrays import Pixels

NAMES = ("coffee", "rocket")


def hr_pixels(name: str, height: int = 48, width: int = 64) -> Pixels:
    """Middle of a photograph, (height,width,3)."""
    return photograph(name, (height, width)).transpose(1, 2, 0).astype(np.uint8)


def save(path: Path, pixels: Pixels) -> Path:
    """Write an image and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def two_images(folder: Path) -> Path:
    """A new folder with ``NAMES`` as 64x48 PNG files."""
    for name in NAMES:
        save(folder / f"{name}.png", hr_pixels(name))
    return folder

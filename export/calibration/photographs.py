"""The photographs that ship with edgesr (see photographs/PROVENANCE.md): for goldens, converters and tests."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.images.image_io import list_images, read_image


def photograph_files() -> list[Path]:
    """The shipped photographs, sorted by name."""
    return list_images(Path(str(resources.files("edgesr.export"))) / "photographs")


def photograph(name: str, size: Size) -> NDArray[np.float32]:
    """Middle of a shipped photograph as (3,h,w) in [0,255]; mirrored at its edges where it is smaller than ``size``."""
    file = next(f for f in photograph_files() if f.stem == name)
    return _fit(read_image(file), size)


def sample_tiles(count: int, size: Size) -> list[NDArray[np.float32]]:
    """``count`` tiles (3,h,w) in [0,255], always the same: the photographs in turn, then flipped and transposed."""
    files = photograph_files()
    tiles = []
    for i in range(count):
        image = read_image(files[i % len(files)])
        variant = i // len(files) % 8
        image = image[:, :: -1 if variant & 1 else 1, :: -1 if variant & 2 else 1]
        tiles.append(_fit(image.transpose(0, 2, 1) if variant & 4 else image, size))
    return tiles


def _fit(image: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    pads = [(0, 0)] + [(0, max(wanted - have, 0)) for wanted, have in zip(size, image.shape[1:], strict=True)]
    padded = np.pad(image, pads, mode="symmetric")
    y, x = ((have - wanted) // 2 for wanted, have in zip(size, padded.shape[1:], strict=True))
    return np.ascontiguousarray(padded[:, y : y + size[0], x : x + size[1]])

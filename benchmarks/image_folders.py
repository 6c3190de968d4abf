"""SR images of goldens as files, so that those of several devices can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
_EXACT = ".exact"


@dataclass(frozen=True, kw_only=True)
class ImageFolders:
    """``kept`` is where SR images (3,H,W) are written, ``exact_from`` where those of exact arithmetic are read."""

    kept: str | None = None
    exact_from: str | None = None

    def keep(self, golden: str, image: Image, exact: Image | None) -> None:
        """Write the images of a golden, where they are to be kept."""
        if self.kept is not None:
            np.save(Path(self.kept) / f"{golden}.npy", image)
            if exact is not None:
                np.save(Path(self.kept) / f"{golden}{_EXACT}.npy", exact)

    def exact(self, golden: str) -> Image:
        """The image of exact arithmetic that another device kept."""
        assert self.exact_from is not None
        found: Image = np.load(Path(self.exact_from) / f"{golden}{_EXACT}.npy", allow_pickle=False)
        return found


def kept_image(folder: Path, golden: str) -> Image | None:
    """An SR image that a worker kept; None without one."""
    file = folder / f"{golden}.npy"
    return np.load(file, allow_pickle=False) if file.is_file() else None

"""SR images of goldens as files, so that those of several devices can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.runtimes.arrays import Image


@dataclass(frozen=True, kw_only=True)
class ImageFolders:
    """``kept``: where SR images (3,H,W) of goldens are written; ``exact_from``: where exact ones are read from.

    Files are named by a golden's place among those that an artifact takes, since names of a manifest are not to be
    trusted as paths.
    """

    kept: str | None = None
    exact_from: str | None = None


def keep_images(folders: ImageFolders, place: int, image: Image, exact: Image | None) -> None:
    """Write the images of a golden, where they are to be kept."""
    if folders.kept is not None:
        np.save(_file(folders.kept, place), image)
        if exact is not None:
            np.save(_file(folders.kept, place, exact=True), exact)


def exact_image(folders: ImageFolders, place: int) -> Image:
    """The image of exact arithmetic that another device kept."""
    assert folders.exact_from is not None
    found: Image = np.load(_file(folders.exact_from, place, exact=True), allow_pickle=False)
    return found


def kept_image(folder: Path, place: int) -> Image | None:
    """An SR image that a worker kept; None without one, or where the file is something else."""
    file = _file(str(folder), place)
    try:
        found = np.load(file, allow_pickle=False, mmap_mode="r")  # reads no more than the file has
    except (OSError, ValueError, EOFError):
        return None
    return np.array(found, dtype=np.float32) if found.dtype == np.float32 else None


def keeps_exact(folder: Path) -> bool:
    """Whether images of exact arithmetic are there."""
    return _file(str(folder), 0, exact=True).is_file()


def _file(folder: str, place: int, *, exact: bool = False) -> Path:
    return Path(folder) / f"{place}{'.exact' if exact else ''}.npy"

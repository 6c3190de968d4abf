"""Folders of photographs, decoded once: HR images with their bicubic LR images, and LR images without HR."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from edgesr.benchmarks.quality.degradations import crop_to_multiple, downscale_bicubic
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import InputError, MissingImagePackageError
from edgesr.runtimes.images.image_io import SUFFIXES, read_rgb8
from edgesr.runtimes.progress import Progress, ProgressEvent, silent
from edgesr.runtimes.wording import counted

_SOFT_WIDTH = 1000


class Photograph(NamedTuple):
    """An HR photograph (s*h,s*w,3) and its bicubic LR (h,w,3), uint8 RGB.

    ``taught`` (s*h,s*w,3) takes the place of HR in the loss where teachers are given.
    """

    hr: Pixels
    lr: Pixels
    taught: Pixels | None = None

    @property
    def target(self) -> Pixels:
        """The picture that SR is compared with."""
        return self.hr if self.taught is None else self.taught


class Photographs(NamedTuple):
    """The photographs that were read of a folder, and the names of files that were skipped: broken, or smaller than a
    patch.
    """

    images: list[Photograph]
    skipped: list[str]


def load_photographs(
    folder: Path,
    *,
    scale: int,
    patch_size: int,
    reductions: tuple[float, ...] = (),
    progress: Progress = silent,
) -> Photographs:
    """Decode every image below a folder; those wider than 1000 pixels are halved first: most are soft at full size.

    ``reductions`` add smaller copies, as far as a patch fits: sharper, and without the photographs' own compression.
    """
    least_side = patch_size * scale

    def prepare(image: Pixels) -> Photograph:
        hr = crop_to_multiple(image, scale)
        return Photograph(hr, downscale_bicubic(hr, scale))

    images, skipped = _load(folder, least_side, _sharp, progress)
    copies = [_reduced(image, reduction) for reduction in reductions for image in images]
    fitting = [copy for copy in copies if min(copy.shape[:2]) >= least_side]
    return Photographs([prepare(image) for image in (*images, *fitting)], skipped)


class PhotographReader:
    """Reads each folder once for all runs that one process does after each other."""

    def __init__(self) -> None:
        self._read: dict[tuple[Path, int, int, tuple[float, ...]], Photographs] = {}

    def photographs(
        self, folder: Path, *, scale: int, patch_size: int, reductions: tuple[float, ...], progress: Progress
    ) -> Photographs:
        """The photographs, as `load_photographs` gives them."""
        key = (folder, scale, patch_size, reductions)
        if key not in self._read:
            self._read[key] = load_photographs(
                folder, scale=scale, patch_size=patch_size, reductions=reductions, progress=progress
            )
        return self._read[key]


def load_unpaired(folder: Path, *, patch_size: int, progress: Progress = silent) -> tuple[list[Pixels], list[str]]:
    """Decode every LR image (h,w,3) below a folder, as it is; and the names of skipped files."""
    return _load(folder, patch_size, lambda image: image, progress)


def _load(
    folder: Path, least_side: int, prepare: Callable[[Pixels], Pixels], progress: Progress
) -> tuple[list[Pixels], list[str]]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of photographs")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    images: list[Pixels] = []
    skipped: list[str] = []
    for done, file in enumerate(files, start=1):
        try:
            image = prepare(read_rgb8(file))
        except (InputError, MissingImagePackageError):
            skipped.append(file.name)
            continue
        if min(image.shape[:2]) >= least_side:
            images.append(image)
        else:
            skipped.append(file.name)
        progress(ProgressEvent("read photographs", done, len(files), f"{len(skipped)} skipped"))
    if not images:
        raise InputError(
            f"{folder}: none of its {counted(len(files), 'image')} can be used; give a folder with photographs of "
            f"at least {least_side} x {least_side} pixels, or a smaller patch size"
        )
    return images, skipped


def _sharp(image: Pixels) -> Pixels:
    if image.shape[1] <= _SOFT_WIDTH:
        return image
    return _reduced(image, 0.5)


def _reduced(image: Pixels, factor: float) -> Pixels:
    size = (max(1, int(image.shape[1] * factor)), max(1, int(image.shape[0] * factor)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))

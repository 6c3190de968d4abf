"""Training patches from folders of photographs: aligned LR and HR crops, degraded, flipped and transposed at random."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from edgesr.benchmarks.quality.degradations import (
    crop_to_multiple,
    downscale_bicubic,
    draw_degradation,
    parse_degradation,
)
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import InputError, MissingImagePackageError
from edgesr.runtimes.images.image_io import SUFFIXES, read_rgb8
from edgesr.runtimes.progress import Progress, ProgressEvent, silent
from edgesr.runtimes.wording import counted

_SOFT_WIDTH = 1000
_JPEG_BLOCK = 8


class Photograph(NamedTuple):
    """An HR photograph (s*h,s*w,3) and its bicubic LR (h,w,3), uint8 RGB."""

    hr: Pixels
    lr: Pixels


class Photographs(NamedTuple):
    """What was read of a folder, and the names of files that were skipped: broken, or smaller than a patch."""

    images: list[Photograph]
    skipped: list[str]


class Sample(NamedTuple):
    """LR (3,p,p) and HR (3,s*p,s*p) of one place, and an LR patch (3,p,p) without HR; float32 in [0,255].

    ``unpaired_lr`` equals ``lr`` where there is no folder of such photographs. Batches have a leading N.
    """

    lr: Tensor
    hr: Tensor
    unpaired_lr: Tensor


class PatchDataset(Dataset[Sample]):
    """Samples as a function of (seed, index) alone, so a resumed run sees the same patches."""

    def __init__(
        self,
        photographs: list[Photograph],
        unpaired: list[Pixels],
        *,
        degradation: str,
        patch_size: int,
        scale: int,
        seed: int,
        length: int,
    ) -> None:
        self.photographs = photographs
        self.unpaired = unpaired
        self.degradation = parse_degradation(degradation)
        self.patch_size = patch_size
        self.scale = scale
        self.seed = seed
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        random = np.random.default_rng((self.seed, index))
        photograph = self.photographs[random.integers(len(self.photographs))]
        lr, hr = self._degraded_pair(photograph, random)
        flips = random.integers(2, size=3)
        paired = _to_tensor(lr, flips)
        return Sample(paired, _to_tensor(hr, flips), self._unpaired_patch(random) if self.unpaired else paired)

    def _degraded_pair(self, photograph: Photograph, random: np.random.Generator) -> tuple[Pixels, Pixels]:
        """A patch cut from a region that is up to 8 LR pixels larger: the JPEG grid and the edge of the blur vary."""
        degradation = self.degradation or draw_degradation(random)
        size, scale = self.patch_size, self.scale
        height, width = (min(side, size + _JPEG_BLOCK) for side in photograph.lr.shape[:2])
        y, x = _random_corner(photograph.lr, height, width, random)
        region_hr = photograph.hr[y * scale : (y + height) * scale, x * scale : (x + width) * scale]
        region_lr = photograph.lr[y : y + height, x : x + width]
        if degradation.blur:
            region_lr = degradation.reduce(region_hr, scale)
        region_lr = degradation.spoil(region_lr, random)
        y, x = _random_corner(region_lr, size, size, random)
        hr = region_hr[y * scale : (y + size) * scale, x * scale : (x + size) * scale]
        return region_lr[y : y + size, x : x + size], hr

    def _unpaired_patch(self, random: np.random.Generator) -> Tensor:
        image = self.unpaired[random.integers(len(self.unpaired))]
        y, x = _random_corner(image, self.patch_size, self.patch_size, random)
        return _to_tensor(image[y : y + self.patch_size, x : x + self.patch_size], random.integers(2, size=3))


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


def _random_corner(image: Pixels, height: int, width: int, random: np.random.Generator) -> tuple[int, int]:
    y, x = (int(random.integers(side - part + 1)) for side, part in zip(image.shape, (height, width), strict=False))
    return y, x


def _to_tensor(patch: Pixels, flips: NDArray[np.int64]) -> Tensor:
    if flips[0]:
        patch = patch[::-1]
    if flips[1]:
        patch = patch[:, ::-1]
    chw = patch.transpose(2, 1, 0) if flips[2] else patch.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(chw)).float()

"""Training patches from a folder of photographs: aligned LR and HR crops, flipped and transposed at random."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from benchmarks.degradations import crop_to_multiple, downscale_bicubic
from runtimes.errors import InputError
from runtimes.image_io import SUFFIXES, read_rgb8
from runtimes.progress import Progress, ProgressEvent, silent

_SOFT_WIDTH = 1000


class Photograph(NamedTuple):
    """An HR photograph (s*h,s*w,3) and its bicubic LR (h,w,3), uint8 RGB."""

    hr: NDArray[np.uint8]
    lr: NDArray[np.uint8]


class PatchDataset(Dataset[tuple[Tensor, Tensor]]):
    """LR (3,p,p) and HR (3,s*p,s*p) patches, float32 in [0,255].

    Sample ``index`` is a function of (seed, index) alone, so a resumed run sees the same patches.
    """

    def __init__(self, photographs: list[Photograph], *, patch_size: int, scale: int, seed: int, length: int) -> None:
        self.photographs = photographs
        self.patch_size = patch_size
        self.scale = scale
        self.seed = seed
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng((self.seed, index))
        photograph = self.photographs[random.integers(len(self.photographs))]
        y = int(random.integers(photograph.lr.shape[0] - self.patch_size + 1))
        x = int(random.integers(photograph.lr.shape[1] - self.patch_size + 1))
        flips = random.integers(2, size=3)
        lr = _crop(photograph.lr, y, x, self.patch_size)
        hr = _crop(photograph.hr, y * self.scale, x * self.scale, self.patch_size * self.scale)
        return _to_tensor(lr, flips), _to_tensor(hr, flips)


def load_photographs(folder: Path, *, scale: int, patch_size: int, progress: Progress = silent) -> list[Photograph]:
    """Decode every image below a folder; those wider than 1000 pixels are halved first: most are soft at full size."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of photographs")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    photographs = []
    for done, file in enumerate(files, start=1):
        hr = crop_to_multiple(_sharp(read_rgb8(file)), scale)
        if min(hr.shape[:2]) >= patch_size * scale:
            photographs.append(Photograph(hr, downscale_bicubic(hr, scale)))
        progress(ProgressEvent("read photographs", done, len(files)))
    if not photographs:
        raise InputError(
            f"{folder}: no photograph of at least {patch_size * scale} x {patch_size * scale} pixels in it; "
            "give a folder with larger ones or a smaller patch size"
        )
    return photographs


def _sharp(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.shape[1] <= _SOFT_WIDTH:
        return image
    half = (image.shape[1] // 2, image.shape[0] // 2)
    return np.asarray(Image.fromarray(image).resize(half, Image.Resampling.LANCZOS))


def _crop(image: NDArray[np.uint8], y: int, x: int, size: int) -> NDArray[np.uint8]:
    return image[y : y + size, x : x + size]


def _to_tensor(patch: NDArray[np.uint8], flips: NDArray[np.int64]) -> Tensor:
    if flips[0]:
        patch = patch[::-1]
    if flips[1]:
        patch = patch[:, ::-1]
    chw = patch.transpose(2, 1, 0) if flips[2] else patch.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(chw)).float()

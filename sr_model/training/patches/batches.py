"""Batches of training patches, cut and degraded on the device; this process's share of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from edgesr.benchmarks.quality.degradations import Degradation, parse_degradation
from edgesr.benchmarks.quality.photograph_draws import DegradationDraws
from edgesr.runtimes.arrays import Pixels
from edgesr.sr_model.training.degradations.batched import BatchDegrader
from edgesr.sr_model.training.degradations.rows import Rows, on_device
from edgesr.sr_model.training.patches.photographs import Photograph
from edgesr.sr_model.training.patches.pixel_store import Integers, PixelStore, Places
from edgesr.sr_model.training.processes import Processes

_JPEG_BLOCK = 8
_LARGEST_SEED = 2**60
_MOST_TOGETHER = 16
_LR_PIXELS_TOGETHER = {"cpu": 0, "cuda": 2**21}
"""As many are cut and degraded at once as keep the device busy: it waits for the host where operations are small."""


class Batch(NamedTuple):
    """LR (N,3,p,p) and HR (N,3,s*p,s*p), or what teachers make of it, of the same places; float32 in [0,255].

    ``unpaired_lr`` (N,3,p,p) are LR patches without HR, and equal ``lr`` where there are no such photographs.
    """

    lr: Tensor
    hr: Tensor
    unpaired_lr: Tensor


class Batches:
    """Batches as a function of the seed and their number alone, so that a resumed run sees the same patches.

    Batches are made in blocks of a few that follow each other: one on the CPU, on CUDA as many as keep the device
    busy. All is drawn for the whole block, of which each process takes its share: places and amounts of degradation
    on the host, noise on the device, so that another kind of device draws other patches and noise.
    """

    def __init__(
        self,
        photographs: list[Photograph],
        unpaired: list[Pixels],
        processes: Processes,
        *,
        degradation: str,
        batch_size: int,
        patch_size: int,
        scale: int,
        seed: int,
        together: int | None = None,
    ) -> None:
        """``together``: batches in a block, if not those that suit the device."""
        suitable = _LR_PIXELS_TOGETHER[processes.device.type] // (batch_size * patch_size**2)
        self._together = together or max(1, min(suitable, _MOST_TOGETHER))
        share = processes.share(batch_size) * self._together
        self._mine = slice(processes.rank * share, (processes.rank + 1) * share)
        self._hr = PixelStore.of([photograph.hr for photograph in photographs], processes.device)
        self._target = self._hr
        if any(photograph.taught is not None for photograph in photographs):
            self._target = PixelStore.of([photograph.target for photograph in photographs], processes.device)
        self._lr = PixelStore.of([photograph.lr for photograph in photographs], processes.device)
        self._unpaired = PixelStore.of(unpaired, processes.device) if unpaired else None
        self._degrader = BatchDegrader(degradation, scale)
        self._noise = torch.Generator(processes.device)
        self._count = batch_size * self._together
        self._block: tuple[int, Batch] | None = None
        self._patch_size = patch_size
        self._scale = scale
        self._seed = seed
        self._margin = 0
        if parse_degradation(degradation) != Degradation():
            self._margin = min(int(self._lr.sides.min()) - patch_size, _JPEG_BLOCK)

    @property
    def unpaired(self) -> bool:
        """Whether there are LR photographs without HR."""
        return self._unpaired is not None

    def batch(self, number: int) -> Batch:
        """This process's share of a batch: of its block every so many-th patch, since neighbours have one camera."""
        block, place = divmod(number, self._together)
        if self._block is None or self._block[0] != block:
            self._block = None  # its memory is free for the next
            self._block = (block, self._made(block))
        return Batch(*(images[place :: self._together] for images in self._block[1]))

    def _made(self, block: int) -> Batch:
        """This process's share of a block of batches.

        What is degraded is a region that is up to 8 LR pixels larger than the patch, which is cut from it at random:
        the JPEG grid and the border of the blur are not always at the same place of a patch.
        """
        random = np.random.default_rng((self._seed, block))
        count, size, scale = self._count, self._patch_size, self._scale
        regions = self._lr.draw(random, count, size + self._margin)
        corners = random.integers(self._margin + 1, size=(count, 2))
        amounts = self._degrader.draw(random, count).part(self._mine.start, self._mine.stop)
        self._noise.manual_seed(int(random.integers(_LARGEST_SEED)))
        regions, corners = regions.of(self._mine), corners[self._mine]
        patches = regions.inner(corners, self._margin)
        degraded = self._degraded(regions, amounts)
        lr = _at_corners(degraded, corners, size) if self._margin else degraded
        lr = lr.contiguous(memory_format=torch.channels_last)
        unpaired_lr = lr
        if self._unpaired is not None:
            unpaired_lr = self._unpaired.cut(self._unpaired.draw(random, count, size).of(self._mine), size)
        return Batch(lr, self._target.cut(patches.scaled(scale), size * scale), unpaired_lr)

    def _degraded(self, regions: Places, amounts: DegradationDraws) -> Tensor:
        """LR regions (N,3,q,q) after their degradation."""
        size = self._patch_size + self._margin

        def hr(samples: Rows) -> Tensor:
            return self._hr.cut(regions.of(samples).scaled(self._scale), size * self._scale)

        return self._degrader(hr, self._lr.cut(regions, size), amounts, self._normal)

    def _normal(self, shape: tuple[int, ...]) -> Tensor:
        """This process's part of the noise of the whole block."""
        whole = (self._count, *shape[1:])
        return torch.randn(whole, generator=self._noise, device=self._noise.device)[self._mine]


def _at_corners(images: Tensor, corners: Integers, size: int) -> Tensor:
    """Square parts (N,C,size,size) of images (N,C,h,w), each at its corner (row, column)."""
    device = images.device
    y, x = on_device(corners.T.copy(), device)[..., None] + torch.arange(size, device=device)
    sample = torch.arange(len(images), device=device)[:, None, None]
    return images.permute(0, 2, 3, 1)[sample, y[:, :, None], x[:, None, :]].permute(0, 3, 1, 2)

"""Images in one block of memory on the device, and patches cut from many of them in one operation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgesr.runtimes.arrays import Pixels
from edgesr.sr_model.training.degradations.rows import on_device

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """Places at which patches are cut: image, top row, left column, each (N,), and ``flips`` (N,3) of 0 and 1.

    A patch is mirrored top to bottom where the first flip is 1, then left to right by the second, then transposed by
    the third.
    """

    image: Integers
    y: Integers
    x: Integers
    flips: Integers

    def of(self, samples: slice | Integers) -> Places:
        """The places of some patches."""
        return Places(self.image[samples], self.y[samples], self.x[samples], self.flips[samples])

    def inner(self, corners: Integers, margin: int) -> Places:
        """Places of smaller patches: those that lie at ``corners`` (N,2) of patches larger by ``margin`` pixels, after
        these were mirrored and transposed."""
        transposed = self.flips[:, 2] == 1
        down = np.where(transposed, corners[:, 1], corners[:, 0])
        right = np.where(transposed, corners[:, 0], corners[:, 1])
        y = self.y + np.where(self.flips[:, 0], margin - down, down)
        x = self.x + np.where(self.flips[:, 1], margin - right, right)
        return Places(self.image, y, x, self.flips)

    def scaled(self, scale: int) -> Places:
        """The same places in images that are ``scale`` times as large."""
        return Places(self.image, self.y * scale, self.x * scale, self.flips)


@dataclass(frozen=True)
class PixelStore:
    """RGB images of any size. ``pixels`` (all,) int32 holds them row after row, four bytes a pixel, the last unused.

    ``first`` and ``width`` of each image, and ``sides`` (M,2), are on the host, where patches are drawn.
    """

    pixels: Tensor
    first: Integers
    sides: Integers

    @property
    def device(self) -> torch.device:
        """The device that holds the pixels."""
        return self.pixels.device

    @staticmethod
    def of(images: list[Pixels], device: torch.device) -> PixelStore:
        """Copy uint8 images (h,w,3) to a device."""
        sides = np.array([image.shape[:2] for image in images], dtype=np.int64)
        counts = sides.prod(axis=1)
        padded = np.zeros((int(counts.sum()), 4), np.uint8)
        padded[:, :3] = np.concatenate([image.reshape(-1, 3) for image in images])
        pixels = torch.from_numpy(padded.view(np.int32)[:, 0]).to(device)
        return PixelStore(pixels, np.concatenate([[0], counts.cumsum()[:-1]]), sides)

    def draw(self, random: np.random.Generator, count: int, size: int) -> Places:
        """Places of square patches in images drawn at random, every one as likely as any other of its image."""
        image = random.integers(len(self.sides), size=count)
        y, x = random.integers(self.sides[image].T - size + 1)
        return Places(image, y, x, random.integers(2, size=(count, 3)))

    def cut(self, places: Places, size: int) -> Tensor:
        """Square patches (N,3,size,size), float32 in [0,255]: one gather, mirrored as it reads.

        The fourth byte of a pixel lies between them: to convert whole pixels is much faster than to leave it out.
        """
        width = self.sides[places.image, 1]
        first = self.first[places.image] + places.y * width + places.x
        down, right = np.where(places.flips[:, 0], -width, width), np.where(places.flips[:, 1], -1, 1)
        first += (size - 1) * (places.flips[:, 0] * width + places.flips[:, 1])
        rows, columns = np.where(places.flips[:, 2], (right, down), (down, right))
        start, row, column = on_device(np.stack([first, rows, columns]), self.device)[..., None, None]
        steps = torch.arange(size, device=self.device)
        index = start + row * steps[:, None] + column * steps
        rgbx = self.pixels.index_select(0, index.flatten()).view(torch.uint8).view(-1, size, size, 4)
        return rgbx.float()[..., :3].permute(0, 3, 1, 2)

"""HR photographs that a quantized network's loss of quality is measured on, cut to what a search can run often."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.benchmarks.quality.image_pairs import ImagePair, read_image_set
from edgesr.benchmarks.quality.measurement import degraded_pair
from edgesr.runtimes.arrays import Image, Pixels
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import counted, printable

MOST_IMAGES = 16
MOST_LR_SIDE = 96
_LEAST_LR_SIDE = 16


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """LR images (3,h,w) and their HR images (3,s*h,s*w), float32 in [0,255]; ``source`` is the folder."""

    source: str
    pairs: tuple[tuple[Image, Image], ...]

    @property
    def sha256(self) -> str:
        """The SHA-256 of the shapes and values of all images in order."""
        digest = hashlib.sha256()
        for image in (image for pair in self.pairs for image in pair):
            digest.update(repr(image.shape).encode())
            digest.update(image.astype("<f4").tobytes())
        return digest.hexdigest()


def read_validation(folder: Path, *, scale: int, multiple: int = 1, least_side: int = 1) -> ValidationSet:
    """The middle of at most 16 photographs of a folder, evenly from all: LR of 96x96 pixels or less.

    An image ``*_LR`` is the LR image of ``*_HR``; LR of any other is made by bicubic downscaling. Sides are multiples
    of ``multiple`` and at least ``least_side``: an InputError where no image is large enough, or where ``scale`` is 1
    and there are no LR images.
    """
    found = read_image_set(folder).pairs
    if scale == 1 and (alone := next((pair for pair in found if pair.lr is None), None)):
        raise InputError(
            f"--validation {folder}: {alone.hr.name} has no LR image, and a network of scale 1 needs input that is "
            f"worse than HR; put a {alone.hr.stem.removesuffix('_HR')}_LR image next to it, and name it *_HR"
        )
    least = max(least_side, _LEAST_LR_SIDE)
    enough = [pair for pair in found if min(_side(side, multiple) for side in pair.size(scale)) >= least]
    if not enough:
        raise InputError(
            f"--validation {folder}: {counted(len(found), 'image')}, none of at least {least * scale}x{least * scale} "
            "pixels; give larger ones"
        )
    places = np.linspace(0, len(enough) - 1, min(len(enough), MOST_IMAGES)).round().astype(int)
    return ValidationSet(printable(str(folder)), tuple(_cut(enough[place], scale, multiple) for place in places))


def _cut(pair: ImagePair, scale: int, multiple: int) -> tuple[Image, Image]:
    hr, lr, _ = degraded_pair(pair, scale=scale, degradation="clean", seed=0)
    height, width = (_side(side, multiple) for side in lr.shape[:2])
    top, left = (lr.shape[0] - height) // 2, (lr.shape[1] - width) // 2
    inside = hr[scale * top : scale * (top + height), scale * left : scale * (left + width)]
    return _planar(lr[top : top + height, left : left + width]), _planar(inside)


def _side(side: int, multiple: int) -> int:
    """The longest side to use of an image's."""
    return min(side, max(MOST_LR_SIDE, multiple)) // multiple * multiple


def _planar(pixels: Pixels) -> Image:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32)

"""The figures of quality: what is measured of a picture, and how a table shows it. Another figure is a row here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesr.benchmarks.quality.metrics import crop_border, luma, psnr, ssim
from edgesr.runtimes.arrays import Pixels


@dataclass(frozen=True)
class PerceptualDistance:
    """``measure``: two uint8 RGB images (H,W,3) -> distance, 0 for identical ones. ``weights`` says whose they are."""

    weights: str
    measure: Callable[[Pixels, Pixels], float]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """The quality of 8-bit pictures against HR. PSNR and SSIM leave out ``border`` pixels on each side, ST-LPIPS none.

    ``psnr_y_db`` is on BT.601 luma, ``psnr_rgb_db`` on all channels at once, peak 255; None for identical pictures.
    ``ssim`` is the mean over R, G, B (`edgesr.benchmarks.quality.metrics.ssim`). ``st_lpips`` is None when it was not
    measured. A mean is None when one of its images is.

    Each field has a row in `FIGURES`. A field that is new has None as its default, for files of older versions.
    """

    psnr_y_db: float | None
    psnr_rgb_db: float | None
    ssim: float
    st_lpips: float | None


@dataclass(frozen=True)
class Compared:
    """A picture and HR, uint8 RGB (H,W,3), and the perceptual distance where there is one."""

    sr: Pixels
    hr: Pixels
    border: int
    distance: PerceptualDistance | None

    @cached_property
    def picture(self) -> NDArray[np.floating]:
        """The picture without its border, float64 RGB (3,H,W) in [0,255]."""
        return self._without_border(self.sr)

    @cached_property
    def reference(self) -> NDArray[np.floating]:
        """HR in the same form."""
        return self._without_border(self.hr)

    def _without_border(self, pixels: Pixels) -> NDArray[np.floating]:
        return crop_border(pixels.transpose(2, 0, 1).astype(np.float64), self.border)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """``field`` of `Quality`, its column's ``title``, and the ``digits`` and the text for None that a table shows."""

    field: str
    title: str
    digits: int
    if_none: str
    measure: Callable[[Compared], float | None]

    def text(self, quality: Quality) -> str:
        """The figure as a table shows it."""
        value = getattr(quality, self.field)
        return self.if_none if value is None else f"{value:.{self.digits}f}"


_EXACT = "exact"
_NOT_MEASURED = "-"

FIGURES = (
    Figure(
        field="psnr_y_db",
        title="PSNR Y dB",
        digits=2,
        if_none=_EXACT,
        measure=lambda pair: _finite(psnr(luma(pair.picture), luma(pair.reference))),
    ),
    Figure(
        field="psnr_rgb_db",
        title="PSNR RGB dB",
        digits=2,
        if_none=_EXACT,
        measure=lambda pair: _finite(psnr(pair.picture, pair.reference)),
    ),
    Figure(
        field="ssim",
        title="SSIM",
        digits=4,
        if_none=_NOT_MEASURED,
        measure=lambda pair: ssim(pair.picture, pair.reference),
    ),
    Figure(
        field="st_lpips",
        title="ST-LPIPS",
        digits=4,
        if_none=_NOT_MEASURED,
        measure=lambda pair: pair.distance.measure(pair.sr, pair.hr) if pair.distance else None,
    ),
)


def measured(pair: Compared) -> Quality:
    """All figures of a picture."""
    return _quality({figure.field: figure.measure(pair) for figure in FIGURES})


def mean_quality(images: Sequence[Quality]) -> Quality:
    """The mean of each figure over the images; None where one of them has none."""
    return _quality({figure.field: _mean([getattr(image, figure.field) for image in images]) for figure in FIGURES})


def _quality(values: dict[str, Any]) -> Quality:
    return Quality(**values)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _finite(psnr_db: float) -> float | None:
    return psnr_db if math.isfinite(psnr_db) else None

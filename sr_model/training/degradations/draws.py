"""Settings of the samples of a batch, for every name of a degradation."""

from __future__ import annotations

import numpy as np

from edgesr.benchmarks.quality.degradations import MAX_MIX_BLUR, REAL, Degradation, draw_degradation, parse_degradation
from edgesr.benchmarks.quality.image_steps import FILTERS, gaussian_radius
from edgesr.benchmarks.quality.photograph_draws import MAX_BLUR, DegradationDraws, draw_photographs


class DrawingPlan:
    """The degradation that a name stands for, for all batches; `draw` is a function of the random numbers alone."""

    def __init__(self, text: str, scale: int) -> None:
        self.scale = scale
        self.real = text == REAL
        self.fixed = parse_degradation(text)

    def draw(self, random: np.random.Generator, count: int) -> DegradationDraws:
        """Settings of ``count`` samples; those of one process are a `part` of them."""
        if self.real:
            return draw_photographs(random, count, self.scale)
        return columns_of([self.fixed or draw_degradation(random) for _ in range(count)])

    @property
    def blur_radius(self) -> int:
        """Pixels of HR that the largest blur reaches, at least 1."""
        largest = MAX_BLUR * self.scale if self.real else (self.fixed.blur or 0) if self.fixed else MAX_MIX_BLUR
        return max(1, gaussian_radius(largest))

    @property
    def camera_noise(self) -> bool:
        """Whether a sample may have noise of a camera."""
        return self.real

    @property
    def white_noise(self) -> bool:
        """Whether a sample may have white noise."""
        return bool(self.fixed.noise) if self.fixed else not self.real


def columns_of(degradations: list[Degradation]) -> DegradationDraws:
    """One row for each."""
    count = len(degradations)
    absent = np.zeros(count, np.float32)
    neutral = np.ones(count, np.float32)
    bicubic = np.full(count, FILTERS.index("bicubic"))
    blur, noise = (
        np.array([amount or 0 for amount in amounts], np.float32)
        for amounts in ([d.blur for d in degradations], [d.noise for d in degradations])
    )
    return DegradationDraws(
        blur_x=blur,
        blur_y=blur,
        factor=neutral,
        first_filter=bicubic,
        second_filter=bicubic,
        shot=absent,
        read=absent,
        gain_red=neutral,
        gain_blue=neutral,
        correlation=absent,
        sharpen=absent,
        sharpen_sigma=neutral,
        camera_jpeg=np.zeros(count, np.int64),
        noise=noise,
        web_jpeg=np.array([d.jpeg or 0 for d in degradations], np.int64),
    )

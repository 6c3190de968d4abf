"""The numpy glue against slow, separate references and hand-computed numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.bundle.manifest import Glue
from edgesr.runtimes.glue.bilinear import upsample_bilinear, upsample_region
from edgesr.runtimes.glue.noise_level import noise_level
from edgesr.runtimes.glue.projection import apply_residual, clip, projection_factor, square_sum, subtract
from tests.helpers.published_reference import DB7


def naive_noise_level(image: NDArray[np.float32]) -> float:
    """Sample by sample in float64: mirror indices, 14 taps, every second position, sort, lower middle value."""

    def high_pass(line: NDArray[np.float64]) -> list[float]:
        n = len(line)
        padded = [line[abs(i) if i < n else 2 * (n - 1) - i] for i in range(-7, n + 7)]
        return [math.fsum(t * v for t, v in zip(DB7, padded[i : i + 14], strict=True)) for i in range(0, n + 1, 2)]

    medians = []
    for channel in image.astype(np.float64):
        rows = np.array([high_pass(column) for column in channel.T]).T
        detail = np.sort(np.abs([high_pass(row) for row in rows]).ravel())
        medians.append(detail[(len(detail) - 1) // 2] / 0.6745)
    return float(np.mean(medians))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (7, 5), (33, 47)])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bilinear_equals_torch(size: tuple[int, int], scale: int) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (3, *size)).astype(np.float32)
    exact = torch.from_numpy(image).double()[None]
    expected = F.interpolate(exact, scale_factor=scale, mode="bilinear", align_corners=False)
    assert np.abs(upsample_bilinear(image, scale) - expected[0].numpy()).max() < 1e-4


def test_bilinear_of_bytes_is_exact() -> None:
    """At x4 the weights are multiples of 1/8: no rounding, so every runtime has the same upsampled image."""
    image = photograph("coffee", (11, 13))
    assert np.array_equal(upsample_bilinear(image, 4), upsample_bilinear(image.astype(np.float64), 4))


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (24, 31)])
def test_noise_level_equals_the_naive_one(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).uniform(0, 255, (3, *size)).astype(np.float32)
    for image in (noise, photograph("astronaut", size), upsample_bilinear(photograph("cat", (8, 9)), 4)):
        assert noise_level(image) == pytest.approx(naive_noise_level(image), rel=1e-4)


@pytest.mark.parametrize("value", [0, 1, 77, 254.5, 255])
def test_noise_level_of_a_flat_image_is_exactly_zero(value: float) -> None:
    assert noise_level(np.full((3, 40, 56), value, dtype=np.float32)) == 0.0


def test_noise_level_of_a_mostly_flat_image_is_exactly_zero() -> None:
    image = np.full((3, 64, 64), 255, dtype=np.float32)
    image[:, :, :20] = photograph("cat", (64, 20))
    assert noise_level(image) == 0.0


def test_projection_factor_by_hand() -> None:
    """Four values of rms sqrt((9+16)/3); exp(0) * sigma bounds it."""
    squares = square_sum(np.array([3, -4, 0, 0], dtype=np.float32))
    assert squares == 25
    rms = math.sqrt(25 / 3)
    assert projection_factor(squares, 4, sigma=1.0, alpha=0.0) == pytest.approx(1 / rms)
    assert projection_factor(squares, 4, sigma=1.0, alpha=math.log(2)) == pytest.approx(2 / rms)
    assert projection_factor(squares, 4, sigma=3.0, alpha=0.0) == 1.0
    assert projection_factor(squares, 4, sigma=0.0, alpha=9.0) == 0.0
    assert projection_factor(0.0, 4, sigma=0.0, alpha=9.0) == 1.0


def test_squares_of_many_values_are_summed_in_float64() -> None:
    """A million values of 16.1: in float32 the sum would lose the last digits."""
    residual = np.full((1, 1000, 1000), 16.1, dtype=np.float32)
    assert square_sum(residual) == pytest.approx(float(np.float32(16.1)) ** 2 * 1e6, rel=1e-12)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_upsampled_regions_are_those_of_the_whole(scale: int) -> None:
    """Bit for bit, at the image's border and inside, from the region and its neighbours alone."""
    image = np.random.default_rng(2).uniform(0, 255, (3, 6, 5)).astype(np.float32)
    whole = upsample_bilinear(image, scale)
    spans = [slice(a, b) for a in range(5) for b in range(a + 1, 6)]
    for rows in (*spans, slice(0, 6), slice(5, 6)):
        for columns in spans:
            expected = whole[:, rows.start * scale : rows.stop * scale, columns.start * scale : columns.stop * scale]
            assert np.array_equal(upsample_region(image, scale, rows, columns), expected)


def test_subtract_and_clip() -> None:
    """In place too."""
    upsampled = np.array([10, 250, 100], dtype=np.float32)
    residual = np.array([40, -40, 8], dtype=np.float32)
    assert subtract(upsampled, residual, 0.5).tolist() == [-10, 270, 96]
    assert upsampled.tolist() == [10, 250, 100]
    assert subtract(upsampled, residual, 0.5, out=upsampled) is upsampled
    assert clip(upsampled).tolist() == [0, 255, 96]


def test_glue_without_projection_subtracts_the_residual() -> None:
    image = np.full((3, 4, 4), 100, dtype=np.float32)
    residual = np.full((3, 16, 16), 30, dtype=np.float32)
    plain = Glue(upsample="bilinear", noise_level=None, alpha=None)
    projected = Glue(upsample="bilinear", noise_level="db7-mad", alpha=9.0)
    assert np.all(apply_residual(image, residual, scale=4, glue=plain) == 70)
    assert np.all(apply_residual(image, residual, scale=4, glue=projected) == 100)

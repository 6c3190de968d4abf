"""Noise of a camera: its variance in linear light, what neighbours share, and images that are black or white."""

from __future__ import annotations

import numpy as np
import pytest

from edgesr.benchmarks.quality.camera_noise import CameraNoise, linear_to_srgb, srgb_to_linear


def noisy_in_linear_light(noise: CameraNoise, level: int) -> np.ndarray:
    flat = np.full((300, 300, 3), level, dtype=np.uint8)
    return srgb_to_linear((noise.apply(flat, np.random.default_rng(0)) / 255).astype(np.float32))


@pytest.mark.parametrize("level", [60, 120, 200])
def test_variance_is_linear_in_light(level: int) -> None:
    noise = CameraNoise(shot=0.002, read=1e-5, gain_red=2.0, gain_blue=1.5, correlation=0.6)
    light = srgb_to_linear(np.array([level / 255], np.float32)).item()
    for channel, gain in enumerate((2.0, 1.0, 1.5)):
        variance = noisy_in_linear_light(noise, level)[..., channel].var()
        assert variance == pytest.approx(gain * 0.002 * light + gain**2 * 1e-5, rel=0.05)


@pytest.mark.parametrize(("correlation", "expected"), [(0.0, 0.0), (0.5, 0.27), (0.8, 0.66)])
def test_neighbours_share_noise(correlation: float, expected: float) -> None:
    """A Gaussian of standard deviation s gives neighbours a correlation near exp(-1 / (4 s^2))."""
    light = noisy_in_linear_light(CameraNoise(shot=0.002, read=1e-5, correlation=correlation), 128)[..., 1]
    light = light - light.mean()
    for pairs in ((light[:, 1:] * light[:, :-1]), (light[1:] * light[:-1])):
        assert pairs.mean() / light.var() == pytest.approx(expected, abs=0.03)


def test_the_curve_of_srgb() -> None:
    """IEC 61966-2-1: half of the light is at 0.7354."""
    assert linear_to_srgb(np.array([0, 0.001, 0.5, 1], np.float32)) == pytest.approx([0, 0.01292, 0.73536, 1], abs=1e-5)
    values = np.linspace(0, 1, 256, dtype=np.float32)
    assert linear_to_srgb(srgb_to_linear(values)) == pytest.approx(values, abs=2e-6)


def test_black_and_white_are_clipped() -> None:
    noise = CameraNoise(shot=0.003, read=1e-5)
    for level, mean in ((0, 8), (255, 250)):
        image = noise.apply(np.full((64, 64, 3), level, np.uint8), np.random.default_rng(0))
        assert abs(image.astype(int) - level).max() < 60
        assert image.mean() == pytest.approx(mean, abs=5)

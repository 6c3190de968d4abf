"""Noise of batches: its standard deviation, in linear light that of the formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from edgesr.benchmarks.quality.camera_noise import srgb_to_linear
from edgesr.benchmarks.quality.photograph_draws import DegradationDraws
from edgesr.sr_model.training.degradations.batched import BatchDegrader
from edgesr.sr_model.training.degradations.noise import MARGIN, with_camera_noise
from tests.sr_model.training.degradations.pictures import degrading, some_noise

SHOT, READ = 0.002, 1e-5
GAINS = (2.0, 1.0, 1.5)


def camera(count: int, correlation: float) -> DegradationDraws:
    values = {"shot": SHOT, "read": READ, "gain_red": GAINS[0], "gain_blue": GAINS[2], "correlation": correlation}
    return DegradationDraws._make(np.full(count, values.get(name, 0), np.float32) for name in DegradationDraws._fields)


def noisy(levels: list[float], correlation: float) -> Tensor:
    flat = torch.tensor(levels)[:, None, None, None].expand(-1, 3, 150, 150).contiguous()
    noise = some_noise((len(levels), 3, 150 + MARGIN, 150 + MARGIN))
    return with_camera_noise(flat, camera(len(levels), correlation), noise)


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_variance_of_a_camera_is_linear_in_light(correlation: float) -> None:
    levels = [60.0, 120.0, 200.0]
    for image, level in zip(noisy(levels, correlation), levels, strict=True):
        light = srgb_to_linear(np.array([level / 255], np.float32)).item()
        for channel, gain in enumerate(GAINS):
            variance = srgb_to_linear(image[channel].numpy() / 255).var()
            assert variance == pytest.approx(gain * SHOT * light + gain**2 * READ, rel=0.07)


def test_neighbours_share_noise() -> None:
    for correlation, expected in ((0.0, 0.0), (0.8, 0.66)):
        image = noisy([128.0], correlation)[0, 1]
        image = image - image.mean()
        for pairs in (image[1:] * image[:-1], image[:, 1:] * image[:, :-1]):
            assert (pairs.mean() / image.var()).item() == pytest.approx(expected, abs=0.05)


def test_white_noise_has_its_deviation() -> None:
    degrader = BatchDegrader("noise:8", 4)
    lr = torch.full((2, 3, 120, 120), 128.0)
    draws = degrader.draw(np.random.default_rng(0), 2)
    noise = degrading(degrader)(torch.zeros(2, 3, 480, 480), lr, draws, some_noise) - lr
    assert noise.std().item() == pytest.approx(8, rel=0.02)
    assert noise.mean().item() == pytest.approx(0, abs=0.1)


def test_black_white_and_flat_are_finite() -> None:
    images = noisy([0.0, 128.0, 255.0], 0.5)
    assert torch.isfinite(images).all()
    assert images.min() == 0 and images.max() == 255
    assert images[0].max() < 60 and images[2].min() > 195

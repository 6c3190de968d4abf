"""Resize and blur of batches against Pillow and the form for whole images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgesr.benchmarks.quality.image_steps import FILTERS, blur, resize, unsharp
from edgesr.sr_model.training.degradations import sharpening
from edgesr.sr_model.training.degradations.resampling import blurred_and_resized, resize_weights, resized
from tests.sr_model.training.degradations.pictures import batch, difference, hr_pictures

CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize("size", [(30, 32), (41, 57), (120, 128)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_resize_is_that_of_pillow(kind: str, size: tuple[int, int], layout: torch.memory_format) -> None:
    """Pillow rounds to 8 bits between rows and columns and after both: half a level each, a bit more by the weights of
    bicubic. It clips there too, which pictures of less contrast need not.
    """
    pictures = [(50 + picture * 0.6).astype(np.uint8) for picture in hr_pictures(2)]
    images = resized(batch(pictures).contiguous(memory_format=layout), *size, kind).clamp(0, 255)
    for image, picture in zip(images, pictures, strict=True):
        from_pillow = np.abs(difference(image, resize(picture, *size, kind)))
        assert from_pillow.max() <= 1.4
        assert from_pillow.mean() < 0.4


def test_weights_by_hand() -> None:
    """Two to one, bilinear: a triangle four pixels wide, cut off at the edge."""
    assert resize_weights(4, 2, "bilinear", CPU).tolist() == [
        pytest.approx([3 / 7, 3 / 7, 1 / 7, 0]),
        pytest.approx([0, 1 / 7, 3 / 7, 3 / 7]),
    ]
    assert resize_weights(4, 2, "box", CPU).tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]
    assert torch.equal(resize_weights(5, 5, "bicubic", CPU), torch.eye(5))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_each_sample_has_its_own_blur(layout: torch.memory_format) -> None:
    pictures = hr_pictures(3, 60, 72)
    sigma_y, sigma_x = np.array([0, 1.2, 0.5], np.float32), np.array([0, 2.0, 1.5], np.float32)
    images = batch(pictures).contiguous(memory_format=layout)
    blurred = blurred_and_resized(images, sigma_y, sigma_x, radius=6, height=60, width=72, kind="bicubic")
    assert (blurred[0] - images[0]).abs().max() < 1e-3
    for row in (1, 2):
        expected = blur(pictures[row].astype(np.float32), sigma_x[row], sigma_y[row])
        change = np.abs(difference(blurred[row], expected))
        assert change.max() < 1.5, "kernels that reach three deviations at least"
        assert np.abs(difference(images[row], expected)).max() > 20


def test_blur_and_resize_are_one_step_of_two() -> None:
    images = batch(hr_pictures(2))
    sigmas = np.array([1.5, 0.7], np.float32)
    together = blurred_and_resized(images, sigmas, sigmas, radius=5, height=40, width=31, kind="bilinear")
    blurred = blurred_and_resized(images, sigmas, sigmas, radius=5, height=120, width=128, kind="bilinear")
    assert (together - resized(blurred, 40, 31, "bilinear")).abs().max() < 1e-3


def test_unsharp_is_that_of_whole_images() -> None:
    pictures = hr_pictures(2, 40, 48)
    amounts, sigmas = np.array([0.8, 0.3], np.float32), np.array([0.7, 1.4], np.float32)
    sharpened = sharpening.unsharp(batch(pictures), amounts, sigmas)
    for image, picture, amount, sigma in zip(sharpened, pictures, amounts, sigmas, strict=True):
        change = np.abs(difference(image, unsharp(picture, float(amount), float(sigma))))
        assert change.max() <= 1 and change.mean() < 0.05

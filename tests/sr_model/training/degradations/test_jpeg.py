"""JPEG of batches against Pillow's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edgesr.benchmarks.quality.image_steps import compress_jpeg
from edgesr.export.calibration.photographs import photograph_files
from edgesr.runtimes.images.image_io import read_rgb8
from edgesr.sr_model.training.degradations.jpeg import through_jpeg
from tests.sr_model.training.degradations.pictures import batch, difference, hr_pictures


def psnr(difference: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


@pytest.mark.parametrize("file", photograph_files(), ids=lambda file: file.stem)
def test_it_is_that_of_pillow(file: Path) -> None:
    """Measured: a mean difference of at most 0.21 levels and at least 51.3 dB; what is left are single roundings."""
    pixels = np.ascontiguousarray(read_rgb8(file)[:151, :203])
    qualities = np.array([20, 50, 75, 95])
    compressed = through_jpeg(batch([pixels] * 4), qualities)
    for image, quality in zip(compressed, qualities, strict=True):
        from_pillow = difference(image, compress_jpeg(pixels, int(quality)))
        assert psnr(from_pillow) > 50
        assert np.abs(from_pillow).mean() < 0.3
        assert np.abs(difference(image, pixels)).mean() > 3 * np.abs(from_pillow).mean()


@pytest.mark.parametrize("height", [17, 30, 33, 40])
@pytest.mark.parametrize("width", [18, 31, 32])
def test_edges_are_repeated_as_libjpeg_repeats_them(height: int, width: int) -> None:
    """Measured: at most 0.22; if chroma were halved after the last row was repeated, 0.5 in the last of 40 rows."""
    pictures = [np.ascontiguousarray(picture[:height, :width]) for picture in hr_pictures(14)]
    images = through_jpeg(batch(pictures), np.full(14, 60))
    from_pillow = np.abs([difference(i, compress_jpeg(p, 60)) for i, p in zip(images, pictures, strict=True)])
    for part in (from_pillow, from_pillow[:, -2:], from_pillow[:, :, -2:]):
        assert part.mean() < 0.3


def test_flat_images_stay_flat() -> None:
    colours = torch.tensor([[0, 0, 0], [255, 255, 255], [128, 128, 128], [77, 77, 77]]).float()
    images = colours[:, :, None, None].expand(-1, -1, 20, 20).contiguous()
    assert torch.equal(through_jpeg(images, np.array([95, 95, 95, 95])), images)
    assert (through_jpeg(images, np.array([1, 1, 1, 1])) - images).abs().max() <= 16

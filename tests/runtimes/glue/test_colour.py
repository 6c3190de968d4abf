"""Luma of networks of one channel, colours that are added to their picture, and bicubic upsampling."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgesr.benchmarks.quality.metrics import luma
from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.glue.bicubic import upsample_bicubic
from edgesr.runtimes.glue.colour import colours, network_image, rgb_picture

PHOTOGRAPH = photograph("coffee", (23, 31))


def by_pillow(image: FloatArray, scale: int) -> FloatArray:
    """Bicubic with a = -0.5; the edge is repeated, where Pillow alone would leave out the pixels beyond it."""
    padded = np.pad(image, [(0, 0), (4, 4), (4, 4)], mode="edge")
    size = (padded.shape[2] * scale, padded.shape[1] * scale)
    channels = [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in padded]
    return np.stack(channels)[:, 4 * scale : -4 * scale, 4 * scale : -4 * scale]


def test_studio_luma_is_that_of_the_papers() -> None:
    assert np.abs(network_image(PHOTOGRAPH, "luma") - luma(PHOTOGRAPH)).max() < 1e-4
    for value, expected in ((0, 16), (255, 235)):
        assert network_image(np.full((3, 1, 1), value, np.float32), "luma").item() == pytest.approx(expected, abs=1e-4)


def test_grey_is_full_range_luma() -> None:
    expected = np.tensordot([0.299, 0.587, 0.114], PHOTOGRAPH, axes=1)
    assert np.abs(network_image(PHOTOGRAPH, "grey")[0] - expected).max() < 1e-4


def test_rgb_is_left_as_it_is() -> None:
    assert network_image(PHOTOGRAPH, "rgb") is PHOTOGRAPH
    assert rgb_picture(PHOTOGRAPH, "rgb") is PHOTOGRAPH


@pytest.mark.parametrize("colour", ["luma", "grey"])
def test_colours_and_luma_are_the_photograph(colour: Colour) -> None:
    back = rgb_picture(network_image(PHOTOGRAPH, colour), colour, colours(PHOTOGRAPH))
    assert np.abs(back - PHOTOGRAPH).max() < 1e-3


@pytest.mark.parametrize("colour", ["luma", "grey"])
def test_grey_images_have_no_colours(colour: Colour) -> None:
    grey = np.repeat(PHOTOGRAPH[:1] / np.float32(257), 3, axis=0)
    assert not colours(grey).any()
    picture = network_image(grey, colour) + np.float32(0.3)
    with_colours = rgb_picture(picture, colour, colours(grey))
    assert (with_colours == with_colours[:1]).all()
    assert np.array_equal(with_colours, rgb_picture(picture, colour))
    assert np.array_equal(network_image(grey, "grey"), grey[:1])


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_bicubic_is_that_of_pillow(scale: int) -> None:
    whole = upsample_bicubic(PHOTOGRAPH, scale, slice(0, 23), slice(0, 31))
    assert np.abs(whole - by_pillow(PHOTOGRAPH, scale)).max() < 1e-3


@pytest.mark.parametrize(("rows", "columns"), [((0, 1), (0, 31)), ((5, 9), (30, 31)), ((22, 23), (1, 2))])
def test_a_part_is_that_of_the_whole(rows: tuple[int, int], columns: tuple[int, int]) -> None:
    whole = upsample_bicubic(PHOTOGRAPH, 3, slice(0, 23), slice(0, 31))
    part = upsample_bicubic(PHOTOGRAPH, 3, slice(*rows), slice(*columns))
    assert np.array_equal(part, whole[:, 3 * rows[0] : 3 * rows[1], 3 * columns[0] : 3 * columns[1]])

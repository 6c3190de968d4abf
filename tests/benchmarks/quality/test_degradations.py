"""Degradations: their names, their amounts on hand-computed pixels, and the shares of the random mix."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from edgesr.benchmarks.quality.degradations import (
    Degradation,
    crop_to_multiple,
    downscale_bicubic,
    draw_degradation,
    parse_degradation,
    upscale_bicubic,
)
from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.errors import InputError

NAMED = {
    "clean": Degradation(),
    "blur:2": Degradation(blur=2),
    "noise:8": Degradation(noise=8),
    "jpeg:30": Degradation(jpeg=30),
    "noise:8+jpeg:30": Degradation(noise=8, jpeg=30),
    "blur:0.5+noise:2.5+jpeg:95": Degradation(blur=0.5, noise=2.5, jpeg=95),
}


def coffee(side: int = 64) -> np.ndarray:
    return photograph("coffee", (side, side)).transpose(1, 2, 0).astype(np.uint8)


@pytest.mark.parametrize("text", NAMED)
def test_names(text: str) -> None:
    assert parse_degradation(text) == NAMED[text]
    assert NAMED[text].text == text


def test_mix_is_drawn_later_and_order_does_not_matter() -> None:
    assert parse_degradation("mix") is None
    assert parse_degradation("jpeg:30+noise:8") == NAMED["noise:8+jpeg:30"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "fog:3", "noise", "noise:", "noise:x", "noise:-1", "noise:101", "noise:nan", "noise:inf", "blur:1e999"),
        *("jpeg:0", "jpeg:96", "jpeg:30.5", "noise:8+noise:8", "clean+noise:8", "noise:8+", "mix+noise:8", "NOISE:8"),
    ],
)
def test_bad_names_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="degradation") as error:
        parse_degradation(text)
    assert repr(text) in str(error.value)


def test_noise_has_its_amount_and_follows_the_random_numbers() -> None:
    grey = np.full((200, 300, 3), 128, dtype=np.uint8)
    first, again, other = (Degradation(noise=8).spoil(grey, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    difference = first.astype(float) - 128
    assert difference.std() == pytest.approx(8, rel=0.02)
    assert difference.mean() == pytest.approx(0, abs=0.1)
    assert abs(np.corrcoef(difference[..., 0].ravel(), difference[..., 1].ravel())[0, 1]) < 0.02
    black = Degradation(noise=8).spoil(np.zeros((8, 8, 3), np.uint8), np.random.default_rng(0))
    assert black.max() < 60, "clipped, not wrapped around"


def test_jpeg_is_that_of_pillow_and_worse_at_lower_quality() -> None:
    image = coffee(63)
    random = np.random.default_rng(0)
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "JPEG", quality=30, subsampling="4:2:0")
    assert np.array_equal(Degradation(jpeg=30).spoil(image, random), np.asarray(Image.open(encoded)))
    errors = [np.abs(Degradation(jpeg=q).spoil(image, random).astype(float) - image).mean() for q in (90, 50, 10)]
    assert errors == sorted(errors)


def test_noise_comes_before_jpeg() -> None:
    both = Degradation(noise=8, jpeg=30).spoil(coffee(), np.random.default_rng(3))
    noisy = Degradation(noise=8).spoil(coffee(), np.random.default_rng(3))
    assert np.array_equal(both, Degradation(jpeg=30).spoil(noisy, np.random.default_rng(0)))


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_blur_has_its_standard_deviation(sigma: float) -> None:
    """The derivative of a blurred step is the blur's own profile."""
    step = np.zeros((8, 80, 3), dtype=np.uint8)
    step[:, 40:] = 250
    profile = np.diff(Degradation(blur=sigma).reduce(step, 1)[4, :, 0].astype(float)) / 250
    places = np.arange(len(profile)) - 39
    assert profile.sum() == pytest.approx(1)
    assert np.sqrt((profile * places**2).sum()) == pytest.approx(sigma, rel=0.05)


def test_clean_changes_nothing_but_the_size() -> None:
    image = coffee()
    assert np.array_equal(Degradation().spoil(image, np.random.default_rng(0)), image)
    assert np.array_equal(Degradation().reduce(image, 4), downscale_bicubic(image, 4))


def test_bicubic_by_hand() -> None:
    """a = -0.5: at distance 0.25, 0.75, 1.25, 1.75 a pixel weighs 0.8672, 0.2266, -0.0703, -0.0234."""
    line = np.full((4, 9, 3), 100, dtype=np.uint8)
    line[:, 4] = 180
    enlarged = upscale_bicubic(line, 2)
    assert enlarged.shape == (8, 18, 3)
    assert enlarged[3, 3:15, 0].tolist() == [100, 100, 98, 94, 118, 169, 169, 118, 94, 98, 100, 100]
    assert downscale_bicubic(np.full((8, 12, 3), 77, np.uint8), 4).tolist() == np.full((2, 3, 3), 77).tolist()


def test_crop_keeps_the_top_left() -> None:
    image = coffee()[:11, :14]
    assert np.array_equal(crop_to_multiple(image, 4), image[:8, :12])


def test_shares_and_ranges_of_the_mix() -> None:
    random = np.random.default_rng(0)
    drawn = [draw_degradation(random) for _ in range(4000)]

    def share(noise: bool, jpeg: bool) -> float:
        return sum((d.noise is not None) == noise and (d.jpeg is not None) == jpeg for d in drawn) / len(drawn)

    assert share(noise=True, jpeg=False) == pytest.approx(0.3, abs=0.03)
    assert share(noise=False, jpeg=True) == pytest.approx(0.45, abs=0.03)
    assert share(noise=True, jpeg=True) == pytest.approx(0.15, abs=0.03)
    blurs = [d.blur for d in drawn if d.blur is not None]
    assert len(blurs) / len(drawn) == pytest.approx(0.15, abs=0.03)
    assert min(blurs) >= 0.3 and max(blurs) <= 2
    noises = [d.noise for d in drawn if d.noise is not None]
    assert min(noises) >= 1 and max(noises) <= 12
    qualities = [d.jpeg for d in drawn if d.jpeg is not None]
    assert min(qualities) >= 20 and max(qualities) <= 70
    assert np.median(qualities) == pytest.approx(32.5, abs=2)

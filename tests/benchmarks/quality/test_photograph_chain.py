"""The degradation `real`: its shares, its steps one by one, and that LR stays where HR is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from edgesr.benchmarks.quality.degradations import Degradation, degradation_of_image, downscale_bicubic
from edgesr.benchmarks.quality.image_steps import FILTERS, compress_jpeg, resize
from edgesr.benchmarks.quality.photograph_chain import PhotographChain
from edgesr.benchmarks.quality.photograph_draws import DegradationDraws, draw_chain, draw_photographs
from edgesr.export.calibration.photographs import photograph


def coffee(side: int = 128) -> np.ndarray:
    return photograph("coffee", (side, side)).transpose(1, 2, 0).astype(np.uint8)


def applied(hr: np.ndarray, **steps: Any) -> np.ndarray:
    return dataclasses.replace(PhotographChain(), **steps).apply(hr, 4, np.random.default_rng(0))


def drawn_one_by_one(count: int) -> DegradationDraws:
    random = np.random.default_rng(0)
    rows = [draw_photographs(random, 1, 4) for _ in range(count)]
    return DegradationDraws(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def test_shares_and_ranges() -> None:
    draws = drawn_one_by_one(3000)

    def share(chosen: np.ndarray) -> float:
        return float(np.mean(chosen))

    assert share(draws.blur_x > 0) == pytest.approx(0.9 * 0.7, abs=0.03)
    assert share(draws.factor > 1) == pytest.approx(0.9 * 0.5, abs=0.03)
    assert share(draws.shot > 0) == pytest.approx(0.9 * 0.6, abs=0.03)
    assert share(draws.sharpen > 0) == pytest.approx(0.9 * 0.4, abs=0.03)
    assert share(draws.camera_jpeg > 0) == pytest.approx(0.9 * 0.7, abs=0.03)
    assert share(draws.web_jpeg > 0) == pytest.approx(0.9 * 0.6, abs=0.03)
    assert share(draws.first_filter == FILTERS.index("box")) == pytest.approx(0.9 * 0.3, abs=0.03)
    assert share(draws.second_filter == FILTERS.index("bilinear")) == pytest.approx(0.9 * 0.5 * 0.5, abs=0.03)
    blur_x, blur_y = draws.blur_x[draws.blur_x > 0], draws.blur_y[draws.blur_x > 0]
    for column, low, high in (
        (np.sqrt(blur_x * blur_y), 0.2, 1.8),
        (blur_x / blur_y, 0.64, 1.5625),
        (draws.factor, 1, 2),
        (draws.shot[draws.shot > 0], 1e-4, 3e-3),
        (draws.camera_jpeg[draws.camera_jpeg > 0], 80, 95),
        (draws.web_jpeg[draws.web_jpeg > 0], 30, 90),
        (draws.correlation, 0.3, 0.8),
    ):
        assert low * 0.999 <= column.min() <= low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) <= column.max() <= high * 1.001


def test_read_noise_follows_shot_noise() -> None:
    """log read - 2.18 log shot is normal with mean 1.2 and standard deviation 0.26."""
    draws = drawn_one_by_one(2000)
    noisy = draws.shot > 0
    rest = np.log(draws.read[noisy]) - 2.18 * np.log(draws.shot[noisy])
    assert (rest.mean(), rest.std()) == pytest.approx((1.2, 0.26), abs=0.03)


def test_a_batch_has_four_cameras_and_a_tenth_is_clean() -> None:
    draws = draw_photographs(np.random.default_rng(0), 4000, 4)
    chains = [draws.chain(row) for row in range(0, 4000, 10)]
    assert len(np.unique(draws.factor[draws.factor > 1])) <= 4
    assert len(np.unique(draws.blur_x)) > 2000
    clean = np.mean([chain == dataclasses.replace(PhotographChain(), **unused(chain)) for chain in chains])
    assert 0.08 < clean < 0.14
    assert draw_photographs(np.random.default_rng(0), 16, 1).factor.tolist() == [1] * 16, "HR is no larger than LR"


def unused(chain: PhotographChain) -> dict[str, Any]:
    """Settings of steps whose amount is 0."""
    names = ("gain_red", "gain_blue", "correlation", "sharpen_sigma")
    return {name: getattr(chain, name) for name in names}


def test_names_and_random_numbers() -> None:
    chains = [degradation_of_image("real", np.random.default_rng(seed), 4) for seed in (1, 1, 2)]
    assert chains[0] == chains[1] != chains[2]
    assert isinstance(chains[0], PhotographChain)
    assert chains[0] == draw_chain(np.random.default_rng(1), 4)
    assert isinstance(degradation_of_image("mix", np.random.default_rng(0), 4), Degradation)
    full = PhotographChain(
        blur_x=1.23, blur_y=0.9, factor=1.6, first_filter="box", shot=0.0012, sharpen=0.4, camera_jpeg=88, web_jpeg=55
    )
    assert full.text == "blur:1.2x0.9+box:1.6+camera:0.0012+sharpen:0.4+jpeg:88+bicubic+jpeg:55"
    assert PhotographChain().text == "clean"


@pytest.mark.parametrize("settings", [{"factor": 0.9}, {"first_filter": "lanczos"}, {"web_jpeg": 101}])
def test_bad_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"need|at least"):
        dataclasses.replace(PhotographChain(), **settings)


def test_steps_one_by_one() -> None:
    hr = coffee()
    lr = downscale_bicubic(hr, 4)
    assert np.array_equal(applied(hr), lr)
    assert np.array_equal(applied(hr, first_filter="box"), resize(hr, 32, 32, "box"))
    assert np.array_equal(applied(hr, camera_jpeg=80, web_jpeg=40), compress_jpeg(compress_jpeg(lr, 80), 40))
    camera = resize(hr, 48, 48, "bilinear")
    larger = applied(hr, factor=1.5, first_filter="bilinear", second_filter="bilinear", camera_jpeg=80)
    assert np.array_equal(larger, resize(compress_jpeg(camera, 80), 32, 32, "bilinear"))
    assert applied(hr, sharpen=0.6).astype(float).std() > lr.std() * 1.01
    noise = applied(hr, shot=0.002, read=1e-5).astype(float) - lr
    assert 2 < noise.std() < 15


def test_blur_has_its_own_deviation_in_x_and_y() -> None:
    for axis, expected in ((1, 2.0), (0, 1.0)):
        step = np.zeros((80, 80, 3), dtype=np.uint8)
        np.moveaxis(step, axis, 0)[40:] = 250
        blurred = PhotographChain(blur_x=2.0, blur_y=1.0).apply(step, 1, np.random.default_rng(0))
        profile = np.diff(np.moveaxis(blurred, axis, 0)[:, 40, 0].astype(float)) / 250
        assert profile.sum() == pytest.approx(1)
        assert np.sqrt((profile * (np.arange(79) - 39) ** 2).sum()) == pytest.approx(expected, rel=0.05)

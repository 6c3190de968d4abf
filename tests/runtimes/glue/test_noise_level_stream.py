"""The noise level in bands of rows is the very same float as that of the whole image."""

from __future__ import annotations

import numpy as np
import pytest

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.glue import noise_level as module
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.noise_level import noise_level, streamed_noise_level

SIZES = [(8, 8), (9, 8), (8, 9), (9, 13), (10, 131), (131, 8), (33, 47), (64, 64), (61, 200)]


def _pictures(size: tuple[int, int]) -> dict[str, Image]:
    random = np.random.default_rng(sum(size))
    noise = random.uniform(0, 255, (3, *size)).astype(np.float32)
    half = np.full((3, *size), 200, dtype=np.float32)
    half[:, : size[0] // 2] = noise[:, : size[0] // 2]
    one_channel = np.full((3, *size), 255, dtype=np.float32)
    one_channel[1] = noise[1]
    few = noise.copy()
    few[few > 20] = 20
    levels = np.rint(noise / 85) * 85
    flats = {f"flat {value}": np.full((3, *size), value, dtype=np.float32) for value in (0, 77.3, 255)}
    return {
        "noise": noise,
        "faint noise": noise * np.float32(1e-30),
        "photograph": photograph("astronaut", size),
        "half flat": half,
        "one channel": one_channel,
        "few": few,
        "levels": levels,
        **flats,
    }


def _streamed(image: Image) -> tuple[float, int]:
    """The streamed noise level, and the most rows that were asked for at one time."""
    most = 0

    def rows(first: int, last: int) -> Image:
        nonlocal most
        assert 0 <= first < last <= image.shape[1]
        most = max(most, last - first)
        return image[:, first:last]

    return streamed_noise_level(rows, (image.shape[1], image.shape[2])), most


@pytest.mark.parametrize("band_values", [1, 50, 300, 5000, 2**18])
@pytest.mark.parametrize("size", SIZES)
def test_streamed_equals_whole(size: tuple[int, int], band_values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BAND_VALUES", band_values)
    for name, image in _pictures(size).items():
        assert _streamed(image)[0] == noise_level(image), name


def test_statistic_is_a_noise_level() -> None:
    """The statistic of noise is about its standard deviation, that of flat images exactly 0."""
    pictures = _pictures((61, 200))
    assert noise_level(pictures["noise"]) == pytest.approx(255 / 12**0.5, rel=0.15)
    assert noise_level(pictures["faint noise"]) == pytest.approx(255e-30 / 12**0.5, rel=0.15)
    assert noise_level(pictures["one channel"]) == pytest.approx(255 / 12**0.5 / 3, rel=0.15)
    assert {noise_level(image) for name, image in pictures.items() if name.startswith("flat")} == {0.0}


@pytest.mark.parametrize("size", [(2, 2), (2, 33), (33, 2), (3, 5), (61, 53)])
def test_streamed_equals_whole_on_upsampled_images(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    for band_values in (1, 999, 2**18):
        monkeypatch.setattr(module, "_BAND_VALUES", band_values)
        for name, image in _pictures(size).items():
            upsampled = upsample_bilinear(image, 4)
            assert _streamed(upsampled)[0] == noise_level(upsampled), name


def test_few_rows_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BAND_VALUES", 1000)
    image = photograph("cat", (300, 100))
    value, rows = _streamed(image)
    assert value == noise_level(image)
    assert rows <= 2 * 10 + 14


def test_each_channel_has_its_own_median() -> None:
    """Channels of very different noise: the medians do not share bits."""
    random = np.random.default_rng(5)
    image = np.stack([random.normal(100, deviation, (40, 50)) for deviation in (1e-3, 1, 40)]).astype(np.float32)
    value, _ = _streamed(image)
    assert value == noise_level(image)
    assert value == pytest.approx((1e-3 + 1 + 40) / 3, rel=0.2)

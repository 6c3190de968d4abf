"""The inputs that may be upscaled in tiles: dtypes, self-ensembles, flat and extreme images; and those that are
refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesr.runtimes.adapters.session import ImageSession
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import Upscaler, upscale, upscale_rows
from tests.helpers.whole_runs import (
    RUNTIMES_HERE,
    artifact_of,
    channels_first,
    compute_exactly,
    exposed,
    projected,
    run_whole,
)

TOLERANCE = 0.01


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    compute_exactly(monkeypatch)


def _options(bundle: Bundle, runtime: str = "ort", extra: tuple[int, int] = (4, 4), **options: Any) -> UpscaleOptions:
    """Tiles that keep ``extra`` rows and columns inside their halo, by the tile graph of a runtime."""
    artifact = artifact_of(bundle, runtime, "tile")
    assert artifact.halo is not None
    tile = (2 * artifact.halo + extra[0], 2 * artifact.halo + extra[1])
    return UpscaleOptions(artifact_id=artifact.id, runtime=runtime, tile_size=tile, **options)


@pytest.mark.parametrize("picture", [exposed("coffee", (40, 45)), None])
def test_integers_are_the_rounded_floats(picture: NDArray[np.uint8] | None, any_bundle: Bundle) -> None:
    """uint8 in 255 and uint16 in 65535 steps; 257 of the latter are one of the former."""
    pixels = projected(any_bundle, (40, 45)) if picture is None else picture
    options = _options(any_bundle)
    floats = upscale(pixels.astype(np.float32), any_bundle, options)
    bytes_ = upscale(pixels, any_bundle, options)
    words = upscale(pixels.astype(np.uint16) * 257, any_bundle, options)
    assert [str(result.dtype) for result in (floats, bytes_, words)] == ["float32", "uint8", "uint16"]
    assert floats.shape == bytes_.shape == words.shape == (160, 180, 3)
    assert np.array_equal(bytes_, np.rint(floats))
    assert np.abs(words.astype(np.float64) - 257 * floats.astype(np.float64)).max() <= 0.51


def test_words_are_not_reduced_to_bytes(any_bundle: Bundle) -> None:
    random = np.random.default_rng(0)
    fine = (exposed("coffee", (20, 30)).astype(np.float32) * 200 + random.uniform(0, 250, (20, 30, 3))).astype(
        np.uint16
    )
    result = upscale(fine, any_bundle, UpscaleOptions())
    expected = 257 * run_whole(any_bundle, channels_first(fine) / np.float32(257))
    assert np.abs(channels_first(result) - expected).max() <= 257 * TOLERANCE
    assert np.unique(result).size > 2000


def test_grey_gives_equal_channels_in_and_rgb_out(any_bundle: Bundle) -> None:
    grey = exposed("cameraman", (19, 23))[:, :, 1]
    result = upscale(grey, any_bundle)
    assert np.array_equal(result, upscale(np.stack([grey] * 3, axis=2), any_bundle))
    assert result.shape == (76, 92, 3)


def test_views_are_taken_as_they_are_and_not_changed(any_bundle: Bundle) -> None:
    pixels = exposed("coffee", (40, 30))
    view = pixels[::-2, 3:, ::-1]
    before = view.copy()
    assert np.array_equal(upscale(view, any_bundle), upscale(before, any_bundle))
    assert np.array_equal(view, before)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 4), np.uint8), r"shape \(4, 4, 4\)"),
        (np.zeros((4,), np.uint8), r"shape \(4,\)"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \(0, 4, 3\)"),
        (np.zeros((4, 4, 3), np.float64), "dtype float64"),
        (np.zeros((4, 4, 3), np.int32), "dtype int32"),
        (np.full((4, 4, 3), 255.5, np.float32), r"outside \[0,255\]"),
        (np.full((4, 4, 3), -0.5, np.float32), r"outside \[0,255\]"),
        (np.full((4, 4, 3), np.nan, np.float32), "not finite"),
        (np.full((4, 4, 3), np.inf, np.float32), "not finite"),
    ],
)
def test_other_arrays_are_refused(image: NDArray[Any], message: str, mobile_bundle: Bundle) -> None:
    for function in (upscale, upscale_rows):
        with pytest.raises(InputError, match=message):
            function(image, mobile_bundle)


def _mean_of_eight(bundle: Bundle, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Rotations by 0, 90, 180 and 270 degrees, mirrored and not, each run whole and turned back."""
    results = []
    for turns in range(4):
        for mirrored in (False, True):
            turned = np.rot90(pixels[:, ::-1] if mirrored else pixels, turns)
            back = np.rot90(run_whole(bundle, channels_first(turned)), -turns, axes=(1, 2))
            results.append(back[:, :, ::-1] if mirrored else back)
    mean: NDArray[np.float32] = np.stack(results).mean(axis=0, dtype=np.float32)
    return mean


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("extra", [(4, 4), (9, 3)])
def test_self_ensemble_is_the_mean_of_eight(extra: tuple[int, int], runtime: str, any_bundle: Bundle) -> None:
    """In square tiles and others, and untiled; with an active projection every member has its own factor."""
    for pixels in (exposed("astronaut", (37, 41)), projected(any_bundle, (37, 41))):
        expected = _mean_of_eight(any_bundle, pixels)
        image = pixels.astype(np.float32)
        result = upscale(image, any_bundle, _options(any_bundle, runtime, extra, self_ensemble=True))
        assert np.abs(channels_first(result) - expected).max() <= TOLERANCE
        untiled = upscale(image, any_bundle, _options(any_bundle, runtime, (99, 99), self_ensemble=True))
        assert np.abs(untiled - result).max() <= TOLERANCE
        assert np.abs(run_whole(any_bundle, channels_first(pixels)) - expected).max() > 0.1


@pytest.mark.parametrize("artifact_id", ["onnx-fp32-full", "torchscript-fp32-full"])
def test_self_ensemble_of_a_full_graph(artifact_id: str, any_bundle: Bundle) -> None:
    pixels = exposed("astronaut", (17, 21))
    options = UpscaleOptions(artifact_id=artifact_id, self_ensemble=True)
    result = upscale(pixels.astype(np.float32), any_bundle, options)
    assert np.abs(channels_first(result) - _mean_of_eight(any_bundle, pixels)).max() <= TOLERANCE


def test_self_ensemble_of_rows(any_bundle: Bundle) -> None:
    pixels = projected(any_bundle, (37, 41))
    options = _options(any_bundle, self_ensemble=True)
    bands = list(upscale_rows(pixels.astype(np.float32), any_bundle, options))
    assert len(bands) > 1
    assert np.abs(channels_first(np.concatenate(bands)) - _mean_of_eight(any_bundle, pixels)).max() <= TOLERANCE


def _extremes() -> dict[str, NDArray[np.uint8]]:
    shape = (38, 36, 3)
    board = (np.indices(shape[:2]).sum(axis=0) % 2 * 255).astype(np.uint8)
    spot = np.zeros(shape, np.uint8)
    spot[20, 18] = 255
    red = np.zeros(shape, np.uint8)
    red[:, :, 0] = 255
    return {
        "black": np.zeros(shape, np.uint8),
        "white": np.full(shape, 255, np.uint8),
        "flat": np.full(shape, 77, np.uint8),
        "red": red,
        "board": np.stack([board] * 3, axis=2),
        "spot": spot,
        "noise": np.random.default_rng(1).integers(0, 2, shape, dtype=np.uint8) * 255,
    }


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("name", _extremes())
def test_extreme_images(name: str, runtime: str, any_bundle: Bundle) -> None:
    pixels = _extremes()[name]
    result = upscale(pixels.astype(np.float32), any_bundle, _options(any_bundle, runtime))
    assert np.isfinite(result).all() and result.min() >= 0 and result.max() <= 255
    assert np.abs(channels_first(result) - run_whole(any_bundle, channels_first(pixels))).max() <= TOLERANCE
    if any_bundle.manifest.glue.noise_level and name in ("black", "white", "flat", "red", "spot"):
        assert np.abs(channels_first(result) - upsample_bilinear(channels_first(pixels), 4)).max() <= 1e-3


@pytest.mark.parametrize("graph", ["tile", "full"])
def test_values_that_are_not_finite_are_no_picture(
    graph: str, any_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ImageSession.infer

    def broken(self: ImageSession, image: NDArray[np.float32]) -> NDArray[np.float32]:
        result = real(self, image).copy()
        result[1, 5, 7] = np.nan
        return result

    monkeypatch.setattr(ImageSession, "infer", broken)
    artifact = artifact_of(any_bundle, "ort", graph)
    with pytest.raises(EdgesrError, match=rf"{artifact.id} gives values that are not finite.*edgesr parity"):
        upscale(exposed("coffee", (20, 20)), any_bundle, UpscaleOptions(artifact_id=artifact.id))


def test_one_session_stays_open_from_image_to_image(mobile_bundle: Bundle) -> None:
    upscaler = Upscaler(mobile_bundle, _options(mobile_bundle))
    upscaler.array(exposed("cat", (40, 40)))
    plan = upscaler.plan((9, 9))
    first = upscaler.session(plan.artifact, plan.runtime)
    upscaler.array(exposed("cat", (9, 9)))
    assert upscaler.session(plan.artifact, plan.runtime) is first

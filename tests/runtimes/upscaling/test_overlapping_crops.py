"""The published overlapping crops, and their comparison with exact tiles."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from overlapping_crops import compare_with_whole, deviation, upscale_in_crops

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.arrays import AnyPixels
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError


class _Nearest:
    """Repeats every pixel twice a side, and remembers what it was given."""

    def __init__(self) -> None:
        self.crops: list[AnyPixels] = []

    def __call__(self, image: AnyPixels) -> AnyPixels:
        self.crops.append(image)
        return image.repeat(2, axis=0).repeat(2, axis=1)

    def boxes(self, width: int) -> list[tuple[int, int, int, int]]:
        """Top, left, height and width of every crop of `_numbered`."""
        return [(*divmod(int(crop[0, 0, 0]), width), crop.shape[0], crop.shape[1]) for crop in self.crops]


def _numbered(height: int, width: int) -> AnyPixels:
    """Every pixel is its own index."""
    return np.arange(height * width).reshape(height, width, 1).repeat(3, axis=2)


def test_four_crops_at_the_corners() -> None:
    upscaler = _Nearest()
    result = upscale_in_crops(_numbered(40, 61), upscaler, scale=2, min_pixels=30 * 40 + 1)
    assert upscaler.boxes(61) == [(0, 0, 30, 40), (0, 21, 30, 40), (10, 0, 30, 40), (10, 21, 30, 40)]
    assert np.array_equal(result, _Nearest()(_numbered(40, 61)))


def test_crops_that_are_no_smaller_than_the_limit_are_cut_again() -> None:
    """30x40 pixels are not below 30*40; each of the four is cut into four of 25x30."""
    upscaler = _Nearest()
    result = upscale_in_crops(_numbered(40, 61), upscaler, scale=2, min_pixels=30 * 40)
    assert [box[2:] for box in upscaler.boxes(61)] == [(25, 30)] * 16
    assert upscaler.boxes(61)[:5] == [(0, 0, 25, 30), (0, 10, 25, 30), (5, 0, 25, 30), (5, 10, 25, 30), (0, 21, 25, 30)]
    assert np.array_equal(result, _Nearest()(_numbered(40, 61)))


def test_odd_sides_keep_one_pixel_more_below_and_right() -> None:
    upscaler = _Nearest()
    result = upscale_in_crops(_numbered(7, 9), upscaler, scale=2, shave=2, min_pixels=50)
    assert upscaler.boxes(9) == [(0, 0, 5, 6), (0, 3, 5, 6), (2, 0, 5, 6), (2, 3, 5, 6)]
    assert np.array_equal(result, _Nearest()(_numbered(7, 9)))


def test_statistic_of_the_whole_image_becomes_one_of_each_crop() -> None:
    def mean(image: AnyPixels) -> AnyPixels:
        return np.full_like(image, image.mean())

    image = np.zeros((40, 40, 3), dtype=np.float32)
    image[:10, :10] = 90
    result = upscale_in_crops(image, mean, scale=1)
    assert result[0, 0, 0] == pytest.approx(90 * 100 / 30**2)
    assert result[39, 39, 0] == 0
    assert mean(image)[0, 0, 0] == pytest.approx(90 * 100 / 40**2)


@pytest.mark.parametrize(
    ("size", "min_pixels", "message"), [((18, 40), 1000, "18x40"), ((40, 40), 400, "more than 400")]
)
def test_what_cannot_be_cut_is_refused(size: tuple[int, int], min_pixels: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        upscale_in_crops(_numbered(*size), _Nearest(), scale=2, min_pixels=min_pixels)


def test_deviation_of_known_images() -> None:
    image = np.zeros((2, 2, 3), dtype=np.float32)
    image[0, 0] = 2
    measured = deviation(image, np.zeros_like(image))
    assert (measured.max_abs_error, measured.rms) == (2, 1)
    assert measured.psnr_db == pytest.approx(20 * math.log10(255))
    assert deviation(image, image).psnr_db == math.inf


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """An ONNX tile graph of a small generator with a projection."""
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle
    from tests.helpers.small_generator import save_projected_generator

    checkpoint = save_projected_generator(tmp_path_factory.mktemp("weights"))
    options = ExportOptions(checkpoint=checkpoint, targets=("onnx",), graphs=("tile",), tile_size=(32, 32))
    return export_bundle(options, tmp_path_factory.mktemp("bundles") / "tile", cache_dir=cache_dir).bundle


def test_tiles_equal_the_whole_where_crops_do_not(bundle: Bundle) -> None:
    """Half of the image is flat, so that the noise level of its crops is another one."""
    memory = bundle.artifact("onnx-fp32-tile").use("ort").memory
    assert memory is not None
    image = np.full((60, 80, 3), 255, dtype=np.uint8)
    image[:, 36:] = photograph("astronaut", (60, 44)).transpose(1, 2, 0)
    result = compare_with_whole(image, bundle, memory_bytes=memory.bytes_at((30, 30)) + (32 + 192) * 30 * 30)
    assert result.tile_count > 4
    assert len(result.crop_factors) == 4
    assert min(result.crop_factors) < result.whole_factor
    assert result.tiles_deviation.max_abs_error <= 0.001
    assert result.crops_deviation.max_abs_error > 1

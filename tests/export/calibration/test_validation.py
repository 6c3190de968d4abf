"""Photographs that a quantized network's loss of quality is measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesr.benchmarks.quality.degradations import downscale_bicubic
from edgesr.export.calibration.photographs import photograph
from edgesr.export.calibration.validation import MOST_IMAGES, MOST_LR_SIDE, read_validation
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import InputError


def pixels(height: int, width: int) -> Pixels:
    return photograph("cat", (height, width)).transpose(1, 2, 0).astype(np.uint8)


def save(path: Path, image: Pixels) -> None:
    Image.fromarray(image).save(path)


def test_the_middle_of_each_photograph_is_measured(tmp_path: Path) -> None:
    save(tmp_path / "large.png", pixels(213, 231))
    save(tmp_path / "small.png", pixels(70, 90))
    found = read_validation(tmp_path, scale=2, multiple=4)
    assert [(lr.shape, hr.shape) for lr, hr in found.pairs] == [
        ((3, 96, 96), (3, 192, 192)),
        ((3, 32, 44), (3, 64, 88)),
    ]
    hr = pixels(213, 231)[:212, :230]
    lr = downscale_bicubic(hr, 2)
    assert np.array_equal(found.pairs[0][0], lr[5:101, 9:105].transpose(2, 0, 1))
    assert np.array_equal(found.pairs[0][1], hr[10:202, 18:210].transpose(2, 0, 1))


def test_at_most_some_images_evenly_from_all(tmp_path: Path) -> None:
    for number in range(2 * MOST_IMAGES + 1):
        save(tmp_path / f"{number:02}.png", np.full((40, 40, 3), number, dtype=np.uint8))
    found = read_validation(tmp_path, scale=2)
    assert [int(hr[0, 0, 0]) for _, hr in found.pairs][:3] == [0, 2, 4]
    assert len(found.pairs) == MOST_IMAGES and found.pairs[-1][1].max() == 2 * MOST_IMAGES


def test_lr_images_of_the_folder_are_taken(tmp_path: Path) -> None:
    save(tmp_path / "a_HR.png", pixels(64, 64))
    save(tmp_path / "a_LR.png", np.full((64, 64, 3), 7, dtype=np.uint8))
    ((lr, hr),) = read_validation(tmp_path, scale=1).pairs
    assert (lr == 7).all() and hr.shape == (3, 64, 64)
    other = tmp_path / "other"
    other.mkdir()
    save(other / "a_HR.png", pixels(64, 64))
    save(other / "a_LR.png", np.full((64, 64, 3), 8, dtype=np.uint8))
    assert read_validation(other, scale=1).sha256 != read_validation(tmp_path, scale=1).sha256


def test_a_multiple_above_the_largest_side_is_kept(tmp_path: Path) -> None:
    save(tmp_path / "large.png", pixels(400, 400))
    ((lr, _),) = read_validation(tmp_path, scale=1 + 1, multiple=128).pairs
    assert lr.shape == (3, 128, 128) and MOST_LR_SIDE < 128


def test_what_cannot_be_measured_on_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png", pixels(60, 60))
    with pytest.raises(InputError, match=r"--validation .*: a\.png has no LR image, and a network of scale 1"):
        read_validation(tmp_path, scale=1)
    with pytest.raises(InputError, match=r"--validation .*: 1 image, none of at least 64x64 pixels"):
        read_validation(tmp_path, scale=4)
    with pytest.raises(InputError, match="absent"):
        read_validation(tmp_path / "absent", scale=4)

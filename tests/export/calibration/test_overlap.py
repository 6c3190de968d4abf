"""Finding a part of one image in another."""

from __future__ import annotations

import numpy as np

from edgesr.export.calibration.overlap import contains_any, distinctive_patches
from edgesr.export.calibration.photographs import photograph
from tests.helpers.calibration_images import GOLDEN, noise, pixels_of


def test_any_shared_part_of_48_pixels_is_found() -> None:
    """A crop of the evaluated image, the evaluated image itself in a larger one, and an overlap of two corners."""
    golden = pixels_of(GOLDEN)
    patches = distinctive_patches([GOLDEN])
    for y, x in ((0, 0), (7, 13), (23, 1), (80, 80), (41, 62)):
        assert contains_any(golden[y : y + 48, x : x + 48], patches)
        overlap = noise(0, 255, 100, 100)
        overlap[52:, :48] = golden[y : y + 48, x : x + 48]
        assert contains_any(overlap, patches)
    larger = noise(0, 255, 300, 300)
    larger[101:229, 57:185] = golden
    assert contains_any(larger, patches)


def test_patches_of_very_small_images_are_found() -> None:
    small = photograph("coffee", (16, 24))
    patches = distinctive_patches([small, photograph("cat", (7, 100))])
    assert len(patches) == 1
    assert contains_any(pixels_of(photograph("coffee", (160, 200))), patches)


def test_patches_do_not_begin_with_black_or_white() -> None:
    """An over-exposed or darkened image is full of these, and so would be any photograph searched for them."""
    for image in (GOLDEN * np.float32(2.5), GOLDEN - np.float32(120)):
        patches = distinctive_patches([image])
        assert patches and not [patch for patch in patches if patch[0, 0] in (0, 0xFFFFFF)]


def test_only_equal_pixels_count() -> None:
    golden = pixels_of(GOLDEN)
    patches = distinctive_patches([GOLDEN])
    assert contains_any(golden, patches)
    spoilt = golden.copy()
    spoilt[::4, ::4, 2] ^= 1
    for changed in (golden ^ 1, golden[:, ::-1], golden[..., ::-1], spoilt):
        assert not contains_any(np.ascontiguousarray(changed), patches)


def test_plain_images_cannot_be_recognised() -> None:
    ramp = np.arange(100, 148, dtype=np.float32) + np.zeros((3, 48, 1), np.float32)
    text = np.where(np.random.default_rng(0).random((48, 48)) < 0.5, 0, 255) + np.zeros((3, 1, 1))
    plain = [np.full((3, 48, 48), 128, np.float32), ramp, ramp.transpose(0, 2, 1), text.astype(np.float32)]
    assert distinctive_patches(plain) == []
    assert not contains_any(pixels_of(ramp), [])
    assert len(distinctive_patches([GOLDEN])) > 10

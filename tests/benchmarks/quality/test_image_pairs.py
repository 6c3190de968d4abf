"""HR images and their LR: how pairs are found, what is skipped, and how LR is degraded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesr.benchmarks.quality.candidates import bicubic_candidate
from edgesr.benchmarks.quality.degradations import Degradation, downscale_bicubic
from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.benchmarks.quality.measurement import degraded_pair, measure_quality
from edgesr.benchmarks.tables.quality import quality_notes
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import MissingImagePackageError
from edgesr.runtimes.images.image_io import read_rgb8
from tests.helpers.hr_images import NAMES, hr_pixels, save, two_images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two HR images of 64x48."""
    return two_images(tmp_path / "data")


def test_pairs_of_a_folder(tmp_path: Path) -> None:
    hr = hr_pixels("coffee")
    lr = downscale_bicubic(hr, 4)
    save(tmp_path / "beside_HR.png", hr)
    save(tmp_path / "beside_LR.bmp", lr)
    save(tmp_path / "below_HR.png", hr[:, :50])
    save(tmp_path / "LR_x4" / "below_LR.png", lr[:, :12])
    save(tmp_path / "LR_x4" / "beside_LR.png", lr)
    save(tmp_path / "alone.png", hr)
    save(tmp_path / "other" / "ignored.png", hr)
    images = read_image_set(tmp_path)
    assert [(p.hr.name, p.lr and p.lr.relative_to(tmp_path).as_posix()) for p in images.pairs] == [
        ("alone.png", None),
        ("below_HR.png", "LR_x4/below_LR.png"),
        ("beside_HR.png", "beside_LR.bmp"),
    ]
    assert [p.size(4) for p in images.pairs] == [(12, 16), (12, 12), (12, 16)]
    assert images.skipped == ()


def test_unusable_images_are_skipped_and_named(folder: Path) -> None:
    (folder / "broken.png").write_bytes((folder / "coffee.png").read_bytes()[:200])
    save(folder / "small.png", hr_pixels("coffee")[:31])
    save(folder / "pair_HR.png", hr_pixels("coffee"))
    (folder / "pair_LR.png").write_text("no pixels")
    images = read_image_set(folder)
    assert [p.hr.stem for p in images.pairs] == ["coffee", "rocket"]
    reasons = {s.image: s.reason for s in images.skipped}
    assert reasons["broken.png"].startswith("damaged or truncated")
    assert reasons["small.png"] == "64x31 pixels is too small, each side needs at least 32"
    assert "pair_LR.png: not an image" in reasons["pair_HR.png"]
    results = measure_quality([bicubic_candidate(4)], images, degradation="clean")
    assert [s.image for s in results.skipped] == ["broken.png", "pair_HR.png", "small.png"]
    assert quality_notes(results)[0].startswith("skipped 3 images: broken.png: damaged")


def test_grey_alpha_and_16_bit_images_are_measured(tmp_path: Path) -> None:
    picture = Image.fromarray(hr_pixels("coffee"))
    for mode in ("L", "P", "RGBA"):
        picture.convert(mode).save(tmp_path / f"{mode}.png")
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(tmp_path / "I16.png")
    results = measure_quality([bicubic_candidate(4)], read_image_set(tmp_path), degradation="noise:8+jpeg:30")
    quality = {image.image: q for image, q in zip(results.images, results.results[0].images, strict=True)}
    assert len(quality) == 4
    assert all(q.psnr_y_db is not None and q.psnr_y_db > 15 for q in quality.values())


def test_random_numbers_follow_seed_and_name_alone(folder: Path, tmp_path: Path) -> None:
    def lr(place: Path, seed: int, degradation: str = "noise:8") -> Pixels:
        pair = next(p for p in read_image_set(place).pairs if p.hr.name == "rocket.png")
        return degraded_pair(pair, scale=4, degradation=degradation, seed=seed)[1]

    alone = save(tmp_path / "alone" / "rocket.png", hr_pixels("rocket")).parent
    assert np.array_equal(lr(folder, 0), lr(alone, 0))
    assert not np.array_equal(lr(folder, 0), lr(folder, 1))
    assert np.array_equal(lr(folder, 5, "mix"), lr(alone, 5, "mix"))
    assert np.array_equal(lr(folder, 5, "real"), lr(alone, 5, "real"))
    assert not np.array_equal(lr(folder, 5, "real"), lr(folder, 6, "real"))
    pairs = read_image_set(folder).pairs
    noise = [
        (degraded_pair(p, scale=4, degradation="noise:8", seed=0)[1].astype(int) - downscale_bicubic(hr, 4))[:6, :6]
        for p, hr in zip(pairs, map(hr_pixels, NAMES), strict=True)
    ]
    assert not np.array_equal(noise[0], noise[1])


def test_degradation_is_applied_to_the_paired_lr_but_blur_to_hr(tmp_path: Path) -> None:
    hr = hr_pixels("coffee")
    save(tmp_path / "x_HR.png", hr)
    save(tmp_path / "x_LR.png", np.full((12, 16, 3), 90, np.uint8))
    (pair,) = read_image_set(tmp_path).pairs
    _, clean, described = degraded_pair(pair, scale=4, degradation="clean", seed=0)
    assert (described.lr, described.degradation, clean.min(), clean.max()) == ("file", "clean", 90, 90)
    _, noisy, _ = degraded_pair(pair, scale=4, degradation="noise:8", seed=0)
    assert noisy.mean() == pytest.approx(90, abs=2) and noisy.std() == pytest.approx(8, rel=0.1)
    _, blurred, described = degraded_pair(pair, scale=4, degradation="blur:2", seed=0)
    assert described.lr == "bicubic"
    assert np.array_equal(blurred, Degradation(blur=2).reduce(hr, 4))
    _, photographed, described = degraded_pair(pair, scale=4, degradation="real", seed=0)
    assert described.lr == "bicubic" and "jpeg" in described.degradation
    assert 2 < np.abs(photographed.astype(float) - downscale_bicubic(hr, 4)).mean() < 30


def test_an_image_that_needs_a_missing_package_is_skipped(folder_of_two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = read_rgb8

    def read(path: Path) -> object:
        if path.name == "deep.png":
            raise MissingImagePackageError(f"{path}: has 16 bits a channel, which needs pyvips")
        return real(path)

    monkeypatch.setattr("edgesr.benchmarks.quality.image_pairs.read_rgb8", read)
    images = read_image_set(folder_of_two)
    assert [pair.hr.name for pair in images.pairs] == ["plain.png"]
    assert [one.image for one in images.skipped] == ["deep.png"]
    assert images.skipped[0].reason == "has 16 bits a channel, which needs pyvips"


@pytest.fixture
def folder_of_two(tmp_path: Path) -> Path:
    for name in ("plain.png", "deep.png"):
        Image.new("RGB", (64, 48)).save(tmp_path / name)
    return tmp_path

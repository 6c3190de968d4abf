"""Quality: SSIM, the figures of candidates against HR, the results file, and known figures of Set5."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesr.benchmarks.quality.candidates import Candidate, bicubic_candidate, bundle_candidate
from edgesr.benchmarks.quality.degradations import downscale_bicubic, upscale_bicubic
from edgesr.benchmarks.quality.figures import PerceptualDistance
from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.benchmarks.quality.measurement import QualityResults, degraded_pair, measure_quality
from edgesr.benchmarks.quality.metrics import ssim
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.tables.quality import image_quality_table, mean_quality_table, quality_notes
from edgesr.runtimes.adapters.session import ImageSession
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.json_records import decode
from edgesr.sr_model.evaluation.generator_quality import checkpoint_candidate, generator_pixels, validate
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint, load_checkpoint
from tests.helpers.hr_images import NAMES, hr_pixels, save, two_images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two HR images of 64x48."""
    return two_images(tmp_path / "data")


@pytest.fixture(scope="module")
def mobile() -> Path:
    return embedded_checkpoint("srrescycgan-mobile")


def oracle(change: Callable[[Pixels], Pixels], name: str = "coffee") -> Candidate:
    """A candidate that knows HR and changes it."""
    return Candidate(name="oracle", scale=4, upscale=lambda _: change(hr_pixels(name)))


def one_image(tmp_path: Path) -> Path:
    return save(tmp_path / "one" / "coffee.png", hr_pixels("coffee")).parent


def test_ssim_of_flat_images_by_hand() -> None:
    """No variance: (2ab + C1)/(a^2 + b^2 + C1), C1 = (0.01*255)^2."""
    first, second = np.full((3, 9, 8), 100.0), np.full((3, 9, 8), 120.0)
    assert ssim(first, second) == pytest.approx((24000 + 6.5025) / (10000 + 14400 + 6.5025), abs=1e-12)
    assert ssim(first, first) == 1


def test_ssim_against_a_loop_and_scikit_image() -> None:
    """Expected by scikit-image 0.26: structural_similarity(first, second, channel_axis=2) of these pixels."""
    i, j, c = np.mgrid[0:20, 0:25, 0:3]
    first = ((37 * i + 91 * j + 53 * c) % 256).astype(np.uint8)
    second = (first * 0.75 + (i * j) % 41).astype(np.uint8)
    x, y = (p.transpose(2, 0, 1).astype(np.float64) for p in (first, second))
    assert ssim(x, y) == pytest.approx(0.9395558827695886, abs=1e-12)
    windows = []
    for channel, top, left in np.ndindex(3, 14, 19):
        a, b = (p[channel, top : top + 7, left : left + 7].ravel() for p in (x, y))
        (var_a, cov), (_, var_b) = np.cov(a, b)
        structure = (2 * cov + 58.5225) / (var_a + var_b + 58.5225)
        windows.append((2 * a.mean() * b.mean() + 6.5025) / (a.mean() ** 2 + b.mean() ** 2 + 6.5025) * structure)
    assert ssim(x, y) == pytest.approx(np.mean(windows), abs=1e-12)


def test_figures_by_hand(tmp_path: Path) -> None:
    """All values 5 too high: 20 log10(255/5); luma 5*219/255 too high. Only a border of 4 wrong: exact."""
    images = read_image_set(one_image(tmp_path))
    shifted = oracle(lambda hr: hr // 2 + 55)
    five_more = oracle(lambda hr: hr // 2 + 60)
    save(images.pairs[0].hr, shifted.upscale(hr_pixels("coffee")))
    quality = measure_quality([five_more], images, degradation="clean").results[0].images[0]
    assert quality.psnr_rgb_db == pytest.approx(20 * np.log10(255 / 5), abs=1e-9)
    assert quality.psnr_y_db == pytest.approx(20 * np.log10(255 / (5 * 219 / 255)), abs=1e-9)
    assert 0.99 < quality.ssim < 1

    def spoil_border(hr: Pixels) -> Pixels:
        spoilt = np.zeros_like(hr)
        spoilt[4:-4, 4:-4] = hr[4:-4, 4:-4] // 2 + 55
        return spoilt

    border = measure_quality([oracle(spoil_border)], images, degradation="clean").results[0].images[0]
    assert (border.psnr_y_db, border.psnr_rgb_db, border.ssim) == (None, None, 1)


def test_bicubic_and_means(folder: Path) -> None:
    results = measure_quality([bicubic_candidate(4)], read_image_set(folder), degradation="clean")
    (result,) = results.results
    for name, quality in zip(NAMES, result.images, strict=True):
        hr = hr_pixels(name)
        error = upscale_bicubic(downscale_bicubic(hr, 4), 4).astype(float) - hr
        expected = 10 * np.log10(255**2 / np.square(error[4:-4, 4:-4]).mean())
        assert quality.psnr_rgb_db == pytest.approx(expected, abs=1e-9)
    for field in ("psnr_y_db", "psnr_rgb_db", "ssim"):
        assert getattr(result.mean, field) == pytest.approx(sum(getattr(q, field) for q in result.images) / 2)
    assert result.mean.st_lpips is None
    assert (results.scale, results.border, results.data) == (4, 4, "data")


def test_every_candidate_sees_the_same_lr(folder: Path) -> None:
    seen: dict[str, list[Pixels]] = {"a": [], "b": []}

    def candidate(name: str) -> Candidate:
        def look(lr: Pixels) -> Pixels:
            seen[name].append(lr.copy())
            return upscale_bicubic(lr, 4)

        return Candidate(name=name, scale=4, upscale=look)

    results = measure_quality([candidate("a"), candidate("b")], read_image_set(folder), degradation="mix", seed=7)
    assert all(np.array_equal(a, b) for a, b in zip(seen["a"], seen["b"], strict=True))
    assert results.results[0].images == results.results[1].images
    assert all(image.degradation != "mix" for image in results.images)


def test_results_file_and_tables(folder: Path, tmp_path: Path) -> None:
    distance = PerceptualDistance("counted", lambda sr, hr: float(np.abs(sr.astype(float) - hr).mean()))
    exact = Candidate(name="exact", scale=4, upscale=lambda lr: np.repeat(np.repeat(lr, 4, 0), 4, 1))
    for name in NAMES:
        save(folder / f"{name}.png", np.full((48, 64, 3), 50 if name == "coffee" else 60, np.uint8))
    images = read_image_set(folder)
    results = measure_quality([bicubic_candidate(4), exact], images, degradation="noise:0", seed=3, distance=distance)
    write_json(results, tmp_path / "q.json")
    assert decode(QualityResults, json.loads((tmp_path / "q.json").read_text())) == results
    assert (results.kind, results.schema_version, results.seed, results.st_lpips_weights) == (
        "quality",
        7,
        3,
        "counted",
    )
    assert results.results[1].mean.psnr_y_db is None, "identical pictures have no PSNR"
    assert results.results[1].mean.st_lpips == 0
    table = mean_quality_table(results)
    assert table.columns == ("candidate", "PSNR Y dB", "PSNR RGB dB", "SSIM", "ST-LPIPS")
    assert table.rows[1] == ("exact", "exact", "exact", "1.0000", "0.0000")
    assert [row[:2] for row in image_quality_table(results).rows] == [
        (f"{name}.png", candidate) for name in NAMES for candidate in ("bicubic", "exact")
    ]
    assert quality_notes(results) == []


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """It is measured and recorded with an escape, as JSON cannot hold it."""
    Image.fromarray(np.full((32, 32, 3), 9, dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / os.fsdecode(b"a\xff.png"))
    (pair,) = read_image_set(tmp_path).pairs
    _, _, described = degraded_pair(pair, scale=4, degradation="noise:8", seed=0)
    assert described.image == r"a\udcff.png"
    checkpoint = tmp_path / os.fsdecode(b"c\xff.safetensors")
    checkpoint.write_bytes(embedded_checkpoint("srrescycgan-mobile").read_bytes())
    assert checkpoint_candidate(checkpoint).name.endswith(r"/c\udcff.safetensors")


def test_wrong_candidates_are_refused(folder: Path) -> None:
    images = read_image_set(folder)
    with pytest.raises(InputError, match="bicubic x4, bicubic x2"):
        measure_quality([bicubic_candidate(4), bicubic_candidate(2)], images, degradation="clean")
    wrong = Candidate(name="wrong", scale=4, upscale=lambda lr: lr)
    with pytest.raises(InputError, match=r"upscaled to \(12, 16, 3\) instead of \(48, 64, 3\)"):
        measure_quality([wrong], images, degradation="clean")


def test_generator_keeps_its_mode_and_validates(folder: Path, mobile: Path) -> None:
    generator = load_checkpoint(mobile).train()
    quality = validate(generator, read_image_set(folder), "jpeg:30")
    assert generator.training and all(module.training for module in generator.modules())
    candidate = checkpoint_candidate(mobile)
    (expected,) = measure_quality([candidate], read_image_set(folder), degradation="jpeg:30").results
    assert (quality.psnr_y_db, quality.psnr_rgb_db, quality.ssim) == (
        expected.mean.psnr_y_db,
        expected.mean.psnr_rgb_db,
        expected.mean.ssim,
    )
    lr = downscale_bicubic(hr_pixels("coffee"), 4)
    assert np.array_equal(generator_pixels(generator.eval())(lr), candidate.upscale(lr))


def test_artifacts_are_as_good_as_their_checkpoint(mobile_bundle: Bundle, mobile: Path, tmp_path: Path) -> None:
    save(tmp_path / "coffee.png", hr_pixels("coffee", 256, 256))
    images = read_image_set(tmp_path)
    candidates = [checkpoint_candidate(mobile)]
    for artifact in ("onnx-fp32-full", "tflite-fp32-tile-64x64"):
        candidates.append(bundle_candidate(mobile_bundle, images, artifact_id=artifact))
    expected, *others = measure_quality(candidates, images, degradation="clean").results
    assert [(r.artifact, r.runtime) for r in others] == [
        ("onnx-fp32-full", "ort"),
        ("tflite-fp32-tile-64x64", "tflite"),
    ]
    for result in others:
        assert result.mean.psnr_rgb_db == pytest.approx(expected.mean.psnr_rgb_db, abs=0.01)
        assert result.mean.ssim == pytest.approx(expected.mean.ssim, abs=1e-4)
        assert result.sha256 == mobile_bundle.artifact(result.artifact or "").file.sha256


def test_artifact_that_gives_nan_is_refused(
    mobile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = bundle_candidate(mobile_bundle, read_image_set(one_image(tmp_path)))
    monkeypatch.setattr(ImageSession, "infer", lambda *_: np.full((3, 48, 64), np.nan, np.float32))
    with pytest.raises(EdgesrError, match="onnx-fp32-tile gives values that are not finite"):
        candidate.upscale(np.zeros((12, 16, 3), np.uint8))


def test_images_that_do_not_fit_an_artifact(mobile_bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    artifact_id = "tflite-fp32-full-64x64"
    with pytest.raises(InputError, match=r"coffee\.png: its LR does not fit: .* takes only 64x64 .*, not 12x16"):
        bundle_candidate(mobile_bundle, read_image_set(folder), artifact_id=artifact_id)
    save(tmp_path / "mixed" / "a.png", hr_pixels("coffee", 256, 256))
    save(tmp_path / "mixed" / "b.png", hr_pixels("coffee"))
    mixed = read_image_set(tmp_path / "mixed")
    with pytest.raises(InputError, match=r"b\.png: its LR does not fit: .* takes only 64x64 .*, not 12x16"):
        bundle_candidate(mobile_bundle, mixed, artifact_id=artifact_id)
    assert bundle_candidate(mobile_bundle, mixed, runtime="tflite").artifact == "tflite-fp32-tile-64x64"


@pytest.mark.parametrize(
    ("degradation", "expected"),
    [("clean", (28.43, 26.69, 0.790)), ("noise:8", (27.70, 25.40, 0.678)), ("jpeg:30", (25.94, 23.11, 0.606))],
)
def test_bicubic_on_set5(shared: Path, degradation: str, expected: tuple[float, float, float]) -> None:
    images = read_image_set(shared / "data" / "Set5")
    mean = measure_quality([bicubic_candidate(4)], images, degradation=degradation).results[0].mean
    assert (mean.psnr_y_db, mean.psnr_rgb_db) == pytest.approx(
        expected[:2], abs=0.03 if "noise" in degradation else 0.006
    )
    assert mean.ssim == pytest.approx(expected[2], abs=0.002)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("degradation", "expected"),
    [("clean", (28.09, 26.12, 0.754)), ("noise:8", (26.41, 24.42, 0.655)), ("jpeg:30", (25.49, 22.78, 0.582))],
)
def test_published_weights_on_set5(shared: Path, degradation: str, expected: tuple[float, float, float]) -> None:
    candidate = checkpoint_candidate(shared / "weights" / "srrescgan_x4.pth")
    images = read_image_set(shared / "data" / "Set5")
    mean = measure_quality([candidate], images, degradation=degradation).results[0].mean
    assert (mean.psnr_y_db, mean.psnr_rgb_db) == pytest.approx(
        expected[:2], abs=0.03 if "noise" in degradation else 0.006
    )
    assert mean.ssim == pytest.approx(expected[2], abs=0.003)

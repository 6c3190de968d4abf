"""ST-LPIPS: the figures of its authors' code, and its weights without importing their package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from edgesr.benchmarks.quality.degradations import downscale_bicubic, upscale_bicubic
from edgesr.export.calibration.photographs import photograph_files
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.images.image_io import read_rgb8
from edgesr.sr_model.evaluation.perceptual_distance import STLPIPS
from edgesr.sr_model.evaluation.shift_tolerant import BlurPool, packaged_state, packaged_weights_available


@pytest.fixture(scope="module")
def st_lpips() -> STLPIPS:
    return STLPIPS()


def bicubic_and_hr(name: str) -> tuple[Pixels, Pixels]:
    hr = next(read_rgb8(file) for file in photograph_files() if file.stem == name)
    assert hr.shape == (160, 200, 3)
    return upscale_bicubic(downscale_bicubic(hr, 4), 4), hr


@pytest.mark.parametrize(("name", "expected"), [("coffee", 0.3693488538), ("rocket", 0.2795387805)])
def test_figures_of_the_authors_code(st_lpips: STLPIPS, name: str, expected: float) -> None:
    """Expected: LPIPS(net="alex", variant="shift_tolerant") of stlpips-pytorch 0.0.2, executed on the same pixels."""
    assert st_lpips.distance(*bicubic_and_hr(name)) == pytest.approx(expected, abs=1e-6)


def test_identity_symmetry_and_batches(st_lpips: STLPIPS) -> None:
    (first, hr), (second, other) = ([p[:48, :56] for p in bicubic_and_hr(name)] for name in ("coffee", "rocket"))
    assert st_lpips.distance(hr, hr) == 0
    assert st_lpips.distance(first, hr) == pytest.approx(st_lpips.distance(hr, first), abs=1e-6)
    images, references = (
        torch.from_numpy(np.stack(pair)).permute(0, 3, 1, 2).float() for pair in ((first, second), (hr, other))
    )
    expected = [st_lpips.distance(first, hr), st_lpips.distance(second, other)]
    assert st_lpips(images, references).tolist() == pytest.approx(expected, abs=1e-6)


def test_least_side(st_lpips: STLPIPS) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 21, 21, 3), dtype=np.uint8)
    assert st_lpips.distance(noise[0], noise[1]) > 0


def test_blur_pool_by_hand() -> None:
    """[1 2 1] x [1 2 1] / 16 after mirroring two pixels, every second place; channels do not mix."""
    x = torch.tensor([[4.0, 8.0, 0.0, 16.0]]).repeat(4, 1)
    result = BlurPool(2)(torch.stack([x, 2 * x])[None])
    # the mirrored row is 0 8 4 8 0 16 0 8; windows start at 0, 2, 4
    assert result[0, 0].tolist() == [[5.0, 5.0, 8.0]] * 3
    assert torch.equal(result[0, 1], 2 * result[0, 0])


def test_package_is_not_imported(st_lpips: STLPIPS) -> None:
    assert packaged_weights_available()
    assert set(packaged_state("vgg")) > {"net.slice5.32.weight", "lin4.model.1.weight"}
    assert not {"stlpips_pytorch", "torchvision"} & set(sys.modules)


def test_absent_package_says_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert not packaged_weights_available()
    with pytest.raises(MissingPackageError, match=r"pip install 'edgesr\[perceptual\]'"):
        packaged_state("alex")


@pytest.mark.parametrize("content", [b"other weights", None])
def test_other_or_missing_weights_are_refused(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of that name whose code must not run, with a weight file of another hash, or none."""
    package = tmp_path / "stlpips_pytorch"
    (package / "weights" / "vST0.0").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    if content is not None:
        (package / "weights" / "vST0.0" / "alex_shift_tolerant.pth").write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"alex_shift_tolerant\.pth: (not the weights|missing)"):
        packaged_state("alex")

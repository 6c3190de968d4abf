"""Training patches: aligned, repeatable, degraded as they should be, shared among processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edgesr.benchmarks.quality.degradations import crop_to_multiple, downscale_bicubic
from edgesr.export.calibration.photographs import photograph_files
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.images.image_io import read_rgb8
from edgesr.sr_model.training.data import PatchDataset, Photograph, load_photographs
from edgesr.sr_model.training.loader import Batches
from edgesr.sr_model.training.processes import Processes


@pytest.fixture(scope="module")
def photographs() -> list[Photograph]:
    return load_photographs(Path(photograph_files()[0]).parent, scale=4, patch_size=8).images


def dataset(
    photographs: list[Photograph], degradation: str = "clean", seed: int = 0, unpaired: list[Pixels] | None = None
) -> PatchDataset:
    return PatchDataset(
        photographs, unpaired or [], degradation=degradation, patch_size=8, scale=4, seed=seed, length=40
    )


@pytest.mark.parametrize("degradation", ["clean", "noise:8", "jpeg:30", "blur:2", "mix"])
def test_patches_are_aligned_and_repeatable(degradation: str, photographs: list[Photograph]) -> None:
    first, again, other = ([dataset(photographs, degradation, seed)[i] for i in range(30)] for seed in (0, 0, 1))
    assert all(torch.equal(a.lr, b.lr) and torch.equal(a.hr, b.hr) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].lr, other[0].lr)
    for lr, hr, unpaired in first:
        assert lr.shape == unpaired.shape == (3, 8, 8)
        assert hr.shape == (3, 32, 32)
        assert torch.equal(lr, unpaired)
        assert 0 <= lr.min() <= lr.max() <= 255
        reduced = hr.reshape(3, 8, 4, 8, 4).mean(dim=(2, 4))
        assert (reduced - lr).abs().mean().item() < 20, "LR and HR show the same place, flipped the same way"


def test_clean_patches_are_the_bicubic_reduction(photographs: list[Photograph]) -> None:
    """The inner pixels, whose filter does not reach over the patch, are those of the patch reduced alone."""
    for index in range(20):
        lr, hr, _ = dataset(photographs)[index]
        reduced = downscale_bicubic(hr.permute(1, 2, 0).to(torch.uint8).numpy(), 4)
        inner = torch.from_numpy(reduced.copy()).permute(2, 0, 1)[:, 2:-2, 2:-2].float()
        assert (inner - lr[:, 2:-2, 2:-2]).abs().max().item() <= 1


def test_noise_has_its_standard_deviation(photographs: list[Photograph]) -> None:
    grey = [Photograph(np.full((256, 256, 3), 128, np.uint8), np.full((64, 64, 3), 128, np.uint8))]
    values = torch.stack([dataset(grey, "noise:8")[i].lr for i in range(40)])
    assert values.std().item() == pytest.approx(8, rel=0.05)
    assert values.mean().item() == pytest.approx(128, abs=0.5)


def test_jpeg_blocks_do_not_always_start_at_the_patch(photographs: list[Photograph]) -> None:
    """Jumps between columns are largest at a multiple of 8: that column varies from patch to patch."""
    data = dataset(photographs, "jpeg:20")
    strongest = {int(data[i].lr.diff(dim=2).abs().sum(dim=(0, 1)).argmax()) for i in range(40)}
    assert len(strongest) >= 4


def test_unpaired_patches_come_from_their_own_images(photographs: list[Photograph]) -> None:
    red = np.zeros((9, 30, 3), np.uint8)
    red[..., 0] = 200
    sample = dataset(photographs, unpaired=[red])[3]
    assert torch.equal(sample.unpaired_lr, torch.tensor([200.0, 0, 0]).view(3, 1, 1).expand(3, 8, 8))
    assert torch.equal(sample.lr, dataset(photographs)[3].lr), "the paired patch is the same with and without"


@pytest.mark.parametrize("workers", [0, 2])
def test_processes_share_a_batch(workers: int, photographs: list[Photograph]) -> None:
    cpu = torch.device("cpu")
    data = dataset(photographs, "mix")
    whole = list(Batches(data, Processes(0, 1, cpu), 4, workers).between(3, 6))
    parts = [list(Batches(data, Processes(rank, 2, cpu), 4, 0).between(3, 6)) for rank in (0, 1)]
    for batch, first, second in zip(whole, *parts, strict=True):
        assert torch.equal(batch.lr, torch.cat([first.lr, second.lr]))
        assert torch.equal(batch.hr, torch.cat([first.hr, second.hr]))
    assert torch.equal(whole[0].lr[1], data[13].lr), "batch 3 starts at sample 12"


def test_wide_photographs_are_halved(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (1202, 333)).save(tmp_path / "wide.png")
    (photograph,) = load_photographs(tmp_path, scale=4, patch_size=8).images
    assert photograph.hr.shape == (164, 600, 3)
    assert photograph.lr.shape == (41, 150, 3)
    copies = load_photographs(tmp_path, scale=4, patch_size=8, reductions=(0.5, 0.1)).images
    assert [copy.hr.shape for copy in copies] == [(164, 600, 3), (80, 300, 3)], "no patch fits into a tenth"
    assert crop_to_multiple(read_rgb8(tmp_path / "wide.png"), 4).shape == (332, 1200, 3)

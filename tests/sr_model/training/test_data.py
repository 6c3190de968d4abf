"""Training patches: aligned, repeatable, degraded as they should be, shared among processes."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from edgesr.benchmarks.quality.degradations import crop_to_multiple, downscale_bicubic
from edgesr.export.calibration.photographs import photograph_files
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.images.image_io import read_rgb8
from edgesr.sr_model.training.patches.batches import Batch, Batches
from edgesr.sr_model.training.patches.photographs import Photograph, load_photographs
from edgesr.sr_model.training.patches.pixel_store import PixelStore, Places
from edgesr.sr_model.training.processes import Processes

ALONE = Processes(0, 1, torch.device("cpu"))


@pytest.fixture(scope="module")
def photographs() -> list[Photograph]:
    return load_photographs(Path(photograph_files()[0]).parent, scale=4, patch_size=8).images


def batches(
    photographs: list[Photograph],
    degradation: str = "clean",
    *,
    seed: int = 0,
    unpaired: list[Pixels] | None = None,
    processes: Processes = ALONE,
    batch_size: int = 10,
    together: int | None = None,
) -> Batches:
    return Batches(
        photographs,
        unpaired or [],
        processes,
        degradation=degradation,
        batch_size=batch_size,
        patch_size=8,
        scale=4,
        seed=seed,
        together=together,
    )


@pytest.mark.parametrize("degradation", ["clean", "noise:8", "jpeg:30", "blur:2", "mix", "real"])
def test_patches_are_aligned_and_repeatable(degradation: str, photographs: list[Photograph]) -> None:
    first, again, other = (batches(photographs, degradation, seed=seed).batch(3) for seed in (0, 0, 1))
    assert torch.equal(first.lr, again.lr) and torch.equal(first.hr, again.hr)
    assert not torch.equal(first.lr, other.lr)
    assert not torch.equal(first.lr, batches(photographs, degradation).batch(4).lr)
    assert first.lr.shape == (10, 3, 8, 8)
    assert first.hr.shape == (10, 3, 32, 32)
    assert torch.equal(first.lr, first.unpaired_lr)
    assert 0 <= first.lr.min() <= first.lr.max() <= 255
    assert torch.equal(first.lr, first.lr.round())
    reduced = first.hr.reshape(10, 3, 8, 4, 8, 4).mean(dim=(3, 5))
    errors = (reduced - first.lr).abs().mean(dim=(1, 2, 3))
    assert errors.max().item() < 25, "LR and HR show the same place, flipped the same way"


def test_clean_patches_are_the_bicubic_reduction(photographs: list[Photograph]) -> None:
    """The inner pixels, whose filter does not reach over the patch, are those of the patch reduced alone."""
    batch = batches(photographs, batch_size=20).batch(0)
    for lr, hr in zip(batch.lr, batch.hr, strict=True):
        reduced = downscale_bicubic(hr.permute(1, 2, 0).to(torch.uint8).numpy(), 4)
        inner = torch.from_numpy(reduced.copy()).permute(2, 0, 1)[:, 2:-2, 2:-2].float()
        assert (inner - lr[:, 2:-2, 2:-2]).abs().max().item() <= 1


def test_every_mirrored_form_of_a_place_is_cut() -> None:
    """Each of the eight is a patch of the image, mirrored by numpy."""
    image = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    store = PixelStore.of([np.zeros((5, 6, 3), np.uint8), image], torch.device("cpu"))
    flips = np.array(list(itertools.product((0, 1), repeat=3)))
    places = Places(np.full(8, 1), np.full(8, 2), np.full(8, 7), flips)
    for (down, right, transposed), patch in zip(flips, store.cut(places, 6), strict=True):
        expected = image[2:8, 7:13][:: -1 if down else 1, :: -1 if right else 1]
        expected = expected.transpose(1, 0, 2) if transposed else expected
        assert np.array_equal(patch.permute(1, 2, 0).numpy(), expected)


def test_inner_places_are_parts_of_the_mirrored_patch() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    store = PixelStore.of([image], torch.device("cpu"))
    random = np.random.default_rng(1)
    places, corners = store.draw(random, 30, 12), random.integers(5, size=(30, 2))
    whole, parts = store.cut(places, 12), store.cut(places.inner(corners, 4), 8)
    for patch, part, (y, x) in zip(whole, parts, corners, strict=True):
        assert torch.equal(part, patch[:, y : y + 8, x : x + 8])


def test_all_places_of_all_images_are_drawn() -> None:
    store = PixelStore.of([np.zeros((4, 5, 3), np.uint8), np.zeros((3, 3, 3), np.uint8)], torch.device("cpu"))
    places = store.draw(np.random.default_rng(0), 400, 3)
    drawn = set(zip(places.image.tolist(), places.y.tolist(), places.x.tolist(), strict=True))
    assert drawn == {(0, y, x) for y in range(2) for x in range(3)} | {(1, 0, 0)}


def test_noise_has_its_standard_deviation() -> None:
    grey = [Photograph(np.full((256, 256, 3), 128, np.uint8), np.full((64, 64, 3), 128, np.uint8))]
    values = batches(grey, "noise:8", batch_size=40).batch(0).lr
    assert values.std().item() == pytest.approx(8, rel=0.05)
    assert values.mean().item() == pytest.approx(128, abs=0.5)


def test_jpeg_blocks_do_not_always_start_at_the_patch(photographs: list[Photograph]) -> None:
    """Jumps between columns are largest at a multiple of 8: that column varies from patch to patch."""
    patches = batches(photographs, "jpeg:20", batch_size=40).batch(0).lr
    assert len({int(patch.diff(dim=2).abs().sum(dim=(0, 1)).argmax()) for patch in patches}) >= 4


def test_unpaired_patches_come_from_their_own_images(photographs: list[Photograph]) -> None:
    red = np.zeros((9, 30, 3), np.uint8)
    red[..., 0] = 200
    batch = batches(photographs, unpaired=[red]).batch(3)
    assert torch.equal(batch.unpaired_lr, torch.tensor([200.0, 0, 0]).view(1, 3, 1, 1).expand(10, 3, 8, 8))
    assert torch.equal(batch.lr, batches(photographs).batch(3).lr), "the paired patch is the same with and without"


@pytest.mark.parametrize("degradation", ["clean", "jpeg:30", "blur:1", "noise:8", "mix", "real"])
def test_processes_share_a_batch(degradation: str, photographs: list[Photograph]) -> None:
    whole = batches(photographs, degradation).batch(3)
    parts = [
        batches(photographs, degradation, processes=Processes(rank, 2, torch.device("cpu"))).batch(3) for rank in (0, 1)
    ]
    assert torch.equal(whole.lr, torch.cat([part.lr for part in parts]))
    assert torch.equal(whole.hr, torch.cat([part.hr for part in parts]))


@pytest.mark.parametrize("degradation", ["clean", "real"])
def test_batches_that_are_made_together(degradation: str, photographs: list[Photograph]) -> None:
    """Each batch takes every fourth patch of a block of four, and each process its part, whichever is asked first."""
    block = batches(photographs, degradation, batch_size=8, unpaired=[np.zeros((9, 9, 3), np.uint8)]).batch(1)
    together = batches(photographs, degradation, batch_size=2, together=4, unpaired=[np.ones((9, 9, 3), np.uint8)])
    for place, number in ((2, 6), (0, 4), (3, 7), (1, 5)):
        batch = together.batch(number)
        assert torch.equal(batch.lr, block.lr[place::4]) and torch.equal(batch.hr, block.hr[place::4])
        assert torch.equal(batch.unpaired_lr, torch.ones(2, 3, 8, 8))
        other = Processes(1, 2, torch.device("cpu"))
        (part,) = batches(photographs, degradation, batch_size=2, together=4, processes=other).batch(number).hr
        assert torch.equal(part, batch.hr[1])
    assert not torch.equal(together.batch(8).hr, together.batch(4).hr)


@pytest.mark.parametrize("degradation", ["noise:8", "real"])
def test_batch_does_not_depend_on_those_before_it(degradation: str, photographs: list[Photograph]) -> None:
    """Noise too: a resumed run begins in the middle."""
    resumed, run = batches(photographs, degradation), batches(photographs, degradation)
    for number in range(3):
        before = run.batch(number)
    assert torch.equal(run.batch(3).lr, resumed.batch(3).lr)
    grey = [Photograph(np.full((64, 64, 3), 128, np.uint8), np.full((16, 16, 3), 128, np.uint8))]
    flat = batches(grey, "noise:8")
    assert not torch.equal(flat.batch(0).lr, flat.batch(1).lr), "every batch has its own noise"
    assert not torch.equal(before.lr, run.batch(3).lr)


def test_block_is_made_once(photographs: list[Photograph], monkeypatch: pytest.MonkeyPatch) -> None:
    made, together = list[int](), batches(photographs, batch_size=2, together=4)
    make = together._made

    def noted(block: int) -> Batch:
        made.append(block)
        return make(block)

    monkeypatch.setattr(together, "_made", noted)
    for number in range(9):
        together.batch(number)
    assert made == [0, 1, 2]


@pytest.mark.parametrize(("pixels", "made"), [(0, 16), (4 * 2 * 64, 4), (10**9, 1)])
def test_blocks_hold_so_many_pixels_and_at_most_16_batches(
    pixels: int, made: int, photographs: list[Photograph], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgesr.sr_model.training.patches.batches._LR_PIXELS_TOGETHER", {"cpu": pixels})
    suitable = batches(photographs, batch_size=2)
    assert len(suitable._made(0).lr) == 2 * 16 // made


def test_wide_photographs_are_halved(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (1202, 333)).save(tmp_path / "wide.png")
    (photograph,) = load_photographs(tmp_path, scale=4, patch_size=8).images
    assert photograph.hr.shape == (164, 600, 3)
    assert photograph.lr.shape == (41, 150, 3)
    copies = load_photographs(tmp_path, scale=4, patch_size=8, reductions=(0.5, 0.1)).images
    assert [copy.hr.shape for copy in copies] == [(164, 600, 3), (80, 300, 3)], "no patch fits into a tenth"
    assert crop_to_multiple(read_rgb8(tmp_path / "wide.png"), 4).shape == (332, 1200, 3)

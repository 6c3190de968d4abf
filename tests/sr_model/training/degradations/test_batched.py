"""Batches against whole images with the same settings; parts of a batch; nothing that waits for the device."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from edgesr.benchmarks.quality.degradations import Degradation, downscale_bicubic, draw_degradation
from edgesr.benchmarks.quality.photograph_draws import DegradationDraws
from edgesr.sr_model.training.degradations.batched import BatchDegrader, Normal
from edgesr.sr_model.training.degradations.draws import columns_of
from edgesr.sr_model.training.degradations.rows import full_precision
from tests.sr_model.training.degradations.pictures import (
    SCALE,
    Degrade,
    batch,
    degrading,
    difference,
    hr_and_lr,
    hr_pictures,
    no_noise,
    some_noise,
)

NAMES = ("clean", "blur:2", "noise:8", "jpeg:30", "blur:1+noise:3+jpeg:50", "mix", "real")
COUNT = 16


def drawn(name: str, seed: int = 1, **without: float) -> tuple[Degrade, DegradationDraws]:
    degrader = BatchDegrader(name, SCALE)
    draws = degrader.draw(np.random.default_rng(seed), COUNT)
    return degrading(degrader), draws._replace(**{step: 0 * getattr(draws, step) for step in without})


def same(draws: DegradationDraws, others: DegradationDraws) -> bool:
    return all(bool(np.all(getattr(draws, name) == getattr(others, name))) for name in draws._fields)


def part_of_noise(start: int, stop: int) -> Normal:
    """The noise of the whole batch, cut."""
    return lambda shape: some_noise((COUNT, *shape[1:]))[start:stop]


def test_clean_gives_lr_itself() -> None:
    degrade, draws = drawn("clean")
    hr, lr = hr_and_lr(hr_pictures(COUNT))
    assert degrade(hr, lr, draws, no_noise) is lr


@pytest.mark.parametrize("seed", range(3))
def test_real_is_that_of_whole_images(seed: int) -> None:
    """Without noise and JPEG, Pillow's rounding between the steps differs. Measured: at most 2 levels, mean 0.34."""
    degrade, draws = drawn("real", seed, shot=0, camera_jpeg=0, web_jpeg=0)
    pictures = hr_pictures(COUNT)
    images = degrade(*hr_and_lr(pictures), draws, no_noise)
    for row, picture in enumerate(pictures):
        chain = draws.chain(row)
        from_pillow = np.abs(difference(images[row], chain.apply(picture, SCALE, np.random.default_rng(0))))
        assert from_pillow.max() <= 3, chain.text
        assert from_pillow.mean() < 0.45, chain.text


@pytest.mark.parametrize("step", ["blur_x", "shot", "sharpen", "camera_jpeg", "web_jpeg"])
def test_a_single_step_is_done(step: str) -> None:
    """The picture is at LR size, and nothing else happens to it."""
    degrade, draws = drawn("real", 0)
    neutral = columns_of([Degradation()] * COUNT)
    amount = np.full(COUNT, 60 if step.endswith("jpeg") else 0.5, getattr(draws, step).dtype)
    hr, lr = hr_and_lr(hr_pictures(COUNT))
    changed = degrade(hr, lr, neutral._replace(**{step: amount}), some_noise) != lr
    assert changed.flatten(1).any(1).all()


@pytest.mark.parametrize("seed", range(3))
def test_real_is_that_of_whole_images_with_jpeg(seed: int) -> None:
    """A rounding before JPEG may change a coefficient by a whole step. Without any the mean is 9 levels."""
    degrade, draws = drawn("real", seed, shot=0)
    pictures = hr_pictures(COUNT)
    images = degrade(*hr_and_lr(pictures), draws, no_noise)
    chains = [draws.chain(row).apply(p, SCALE, np.random.default_rng(0)) for row, p in enumerate(pictures)]
    means = [np.abs(difference(image, chain)).mean() for image, chain in zip(images, chains, strict=True)]
    assert max(means) < 4
    assert np.mean(means) < 1.2


def test_mix_is_that_of_whole_images() -> None:
    """The same random numbers give the same steps. Pillow's blur is made of boxes, near a Gaussian; JPEG quantizes what
    remains of the difference.
    """
    degrade, draws = drawn("mix", 5, noise=0)
    random = np.random.default_rng(5)
    degradations = [dataclasses.replace(draw_degradation(random), noise=None) for _ in range(COUNT)]
    pictures = hr_pictures(COUNT)
    images = degrade(*hr_and_lr(pictures), draws, no_noise)
    assert {bool(d.blur) for d in degradations} == {bool(d.jpeg) for d in degradations} == {True, False}
    for image, picture, degradation in zip(images, pictures, degradations, strict=True):
        from_pillow = np.abs(difference(image, degradation.apply(picture, SCALE, random)))
        assert from_pillow.mean() < (2.5 if degradation.blur else 0.25), degradation.text


@pytest.mark.parametrize("name", NAMES)
def test_draws_follow_the_random_numbers_and_noise_is_asked_once(name: str) -> None:
    degrade, draws = drawn(name)
    again, other = (drawn(name, seed)[1] for seed in (1, 2))
    assert same(draws, again)
    assert same(draws, other) == (name not in ("mix", "real"))
    asked: list[tuple[int, ...]] = []

    def normal(shape: tuple[int, ...]) -> Tensor:
        asked.append(shape)
        return some_noise(shape)

    degrade(*hr_and_lr(hr_pictures(COUNT)), draws, normal)
    assert len(asked) == ("noise" in name or name in ("mix", "real"))
    assert all(shape[:2] == (COUNT, 3) for shape in asked)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_parts_of_a_batch_are_those_of_the_whole(name: str, layout: torch.memory_format) -> None:
    degrade, draws = drawn(name)
    hr, lr = (images.contiguous(memory_format=layout) for images in hr_and_lr(hr_pictures(COUNT)))
    before = hr.clone(), lr.clone()
    whole = degrade(hr, lr, draws, some_noise)
    assert whole.shape == lr.shape and whole.dtype == torch.float32
    assert torch.equal(whole, whole.round()) and whole.min() >= 0 and whole.max() <= 255
    for start, stop in ((0, 3), (3, 5), (5, 16)):
        part = degrade(
            hr[start:stop],
            lr[start:stop],
            draws.part(start, stop),
            part_of_noise(start, stop),
        )
        assert (part != whole[start:stop]).float().mean() < 1e-3, "but for a rounding"
    assert torch.equal(hr, before[0]) and torch.equal(lr, before[1])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_waits_for_the_device(name: str) -> None:
    """Tensors of the meta device have no values: reading one on the host is an error."""
    degrade, draws = drawn(name)
    hr, lr = (images.to("meta") for images in hr_and_lr(hr_pictures(COUNT)))
    degraded = degrade(hr, lr, draws, lambda shape: torch.empty(shape, device="meta"))
    assert degraded.shape == lr.shape and degraded.device.type == "meta"


@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_images_are_finite(level: int) -> None:
    degrade, draws = drawn("real")
    hr, lr = torch.full((COUNT, 3, 64, 64), float(level)), torch.full((COUNT, 3, 16, 16), float(level))
    without = degrade(hr, lr, draws, no_noise)
    assert (without - level).abs().max() <= 2
    assert torch.isfinite(degrade(hr, lr, draws, some_noise)).all()


def test_matrix_products_are_exact_in_lower_precision_training() -> None:
    degrade, draws = drawn("real")
    hr, lr = hr_and_lr(hr_pictures(COUNT))
    expected = degrade(hr, lr, draws, some_noise)
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            with full_precision(lr.device):
                assert torch.get_float32_matmul_precision() == "highest"  # some CPUs have no lower one
            assert torch.equal(degrade(hr, lr, draws, some_noise), expected)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("seed", range(4))
def test_lr_stays_where_hr_is(seed: int) -> None:
    """Least squares: the shift d that explains degraded - bicubic as -d times the bicubic's slope."""
    degrade, draws = drawn("real", seed, shot=0, camera_jpeg=0, web_jpeg=0)
    pictures = hr_pictures(COUNT)
    references = batch([downscale_bicubic(picture, SCALE) for picture in pictures])
    images = degrade(batch(pictures), references, draws, no_noise)
    for row, (image, reference) in enumerate(zip(images.double(), references.double(), strict=True)):
        slopes = torch.stack(torch.gradient(reference, dim=(1, 2)))[:, :, 3:-3, 3:-3].flatten(1).T
        shift = torch.linalg.lstsq(slopes, (reference - image)[:, 3:-3, 3:-3].reshape(-1, 1)).solution
        assert shift.abs().max() < 0.1, draws.chain(row).text

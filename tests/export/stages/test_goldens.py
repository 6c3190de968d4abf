"""Goldens: the cases that they cover, and that they are what PyTorch computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edgesr.export.goldens import SMALLEST_SIZE, expose
from edgesr.runtimes.bundle.manifest import Golden
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint, load_checkpoint
from edgesr.sr_model.generators.generator import Generator
from tests.helpers.small_generator import projected_generator


def by_id(bundle: Bundle) -> dict[str, Golden]:
    return {g.id: g for g in bundle.manifest.goldens}


def sr_image(generator: Generator, lr: NDArray[np.float32]) -> NDArray[np.float32]:
    """SR (3,4h,4w) of an LR image (3,h,w)."""
    with torch.inference_mode():
        result: NDArray[np.float32] = generator(torch.from_numpy(lr)[None])[0].numpy()
    return result


def test_cases_of_a_projection(projection_bundle: Bundle) -> None:
    goldens = by_id(projection_bundle)
    factors = {name: golden.k for name, golden in goldens.items() if golden.k is not None}
    assert factors.keys() == goldens.keys()
    assert factors["photograph"] == 1
    assert 0.2 < factors["clipped"] < 0.8
    assert 0 < factors["blown-out"] < 0.05
    assert (goldens["flat"].k, goldens["flat"].sigma) == (0, 0)
    assert [g.size for g in goldens.values()] == [(32, 32)] * 4 + [(16, 24), (33, 47), (64, 64), (120, 200)]


def test_cases_without_a_projection(mobile_bundle: Bundle) -> None:
    goldens = by_id(mobile_bundle)
    assert list(goldens) == ["photograph", "half-clipped", "flat", "16x24", "33x47", "120x200"]
    assert {(g.k, g.sigma) for g in goldens.values()} == {(None, None)}
    assert [g.size for g in goldens.values()][:3] == [(64, 64)] * 3
    image = mobile_bundle.tensor(goldens["half-clipped"].input)
    assert 0.4 < np.mean(image == 255) < 0.6
    assert mobile_bundle.tensor(goldens["flat"].input).std() == 0
    assert np.abs(mobile_bundle.tensor(goldens["flat"].residual)).max() > 0, "compared as any other residual"


def test_smallest_has_intermediates(any_bundle: Bundle) -> None:
    blocks = any_bundle.manifest.generator["blocks"]
    for golden in any_bundle.manifest.goldens:
        expected = {"head", *(f"blocks.{i}" for i in range(blocks))} if golden.size == SMALLEST_SIZE else set()
        assert set(golden.intermediates) == expected


@pytest.mark.parametrize("name", ["mobile_bundle", "projection_bundle"])
def test_goldens_are_what_pytorch_computes(name: str, request: pytest.FixtureRequest) -> None:
    bundle: Bundle = request.getfixturevalue(name)
    mobile = name == "mobile_bundle"
    generator = load_checkpoint(embedded_checkpoint("srrescycgan-mobile")) if mobile else projected_generator()
    for golden in bundle.manifest.goldens:
        lr, sr = bundle.tensor(golden.input), bundle.tensor(golden.output)
        assert sr.shape == (3, 4 * golden.size[0], 4 * golden.size[1])
        assert np.array_equal(lr, np.rint(lr))
        assert 0 <= lr.min() <= lr.max() <= 255
        assert np.abs(sr_image(generator, lr) - sr).max() <= 1e-3


def test_exposure_by_hand() -> None:
    image = np.array([0, 10, 100, 200], dtype=np.float32)
    assert expose(image, 1.34).tolist() == [0, 13, 134, 255]

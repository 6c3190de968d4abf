"""Networks that look farther than the halos that are tried: a pixel takes a part of one that lies 52 to its right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgesr.export.tiling.receptive_field import receptive_field
from edgesr.export.tiling.tile_proof import TiledNetwork, measure_tiling
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.contract import EXACT

FAR = 52


def far_pixel(image: Image) -> Image:
    """Adds a hundredth of the pixel 52 to the right, 0 beyond the image."""
    far = np.pad(image, [(0, 0), (0, 0), (0, FAR)])[:, :, FAR:]
    picture: Image = np.add(image, far * np.float32(0.01), dtype=np.float32)
    return picture


def far_edge(image: Image) -> Image:
    """Adds 1 where pixels 52 to the right differ by all of 255, as they do in no photograph."""
    far = np.pad(image, [(0, 0), (0, 0), (0, FAR)])[:, :, FAR:]
    return image + (np.abs(np.diff(far, axis=2, append=0)) > 254)


def beyond_all_pictures(image: Image) -> Image:
    """Far beyond what a picture can show where pixels 52 to the right differ by all of 255."""
    return image + np.float32(1e7) * (far_edge(image) - image)


def network(run: Callable[[Image], Image], field: int | None) -> TiledNetwork:
    return TiledNetwork(run=run, field=lambda _: field, scale=1, channels=3, multiple=1, least_side=1, sparse=True)


def test_the_receptive_field_is_the_halo_where_no_smaller_one_is_exact() -> None:
    tiling = measure_tiling(network(far_pixel, FAR))
    assert (tiling.verdict, tiling.halo, tiling.field, tiling.step) == ("proven", FAR, FAR, 1)
    assert (tiling.error, tiling.psnr_db) == (0.0, None)


def test_a_receptive_field_that_is_wrong_is_no_halo() -> None:
    tiling = measure_tiling(network(far_pixel, FAR - 1))
    assert (tiling.verdict, tiling.halo) == ("inexact", None)
    assert tiling.error is not None and abs(tiling.error - 2.55) < 0.001


def test_tiles_that_are_exact_on_photographs_alone_have_the_figure_of_the_other_images() -> None:
    tiling = measure_tiling(network(far_edge, None))
    assert (tiling.verdict, tiling.halo, tiling.field) == ("inexact", None, None)
    assert tiling.error == 1 > EXACT


def test_images_that_a_network_cannot_take_tell_nothing_of_its_tiles() -> None:
    tiling = measure_tiling(network(beyond_all_pictures, None))
    assert (tiling.verdict, tiling.halo, tiling.error) == ("measured", 2, 0.0)


@pytest.mark.parametrize(("least_side", "step"), [(1, 1), (48, 1), (50, 8)])
def test_the_receptive_field_is_measured_on_images_that_the_network_takes(least_side: int, step: int) -> None:
    sides: list[int] = []

    def run(image: Image) -> Image:
        sides.extend(image.shape[1:])
        around = np.pad(image, [(0, 0), (3, 3), (3, 3)])
        picture: Image = around[:, :-6, 3:-3] + around[:, 6:, 3:-3] + around[:, 3:-3, :-6] + image
        return picture

    assert receptive_field(run, scale=1, channels=3, step=step, least_side=least_side) == 3
    assert min(sides) >= least_side

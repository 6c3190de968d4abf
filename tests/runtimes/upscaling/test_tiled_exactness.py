"""Images in tiles equal images run whole, on every runtime, at every size, whatever the projection does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edgesr.runtimes.adapters.session import ImageSession
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.noise_level import noise_level
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.tiles import grid_of
from edgesr.runtimes.upscaling.upscale import Upscaler, upscale, upscale_rows
from tests.helpers.small_generator import projected_generator
from tests.helpers.whole_runs import (
    RUNTIMES_HERE,
    artifact_of,
    channels_first,
    compute_exactly,
    exposed,
    factor,
    projected,
    run_whole,
)

TOLERANCE = 0.01
SIZES: list[Size] = [(2, 2), (7, 5), (33, 47), (61, 53), (2, 300), (300, 3)]


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    compute_exactly(monkeypatch)


def tiled(bundle: Bundle, pixels: NDArray[Any], runtime: str, tile: Size, **options: Any) -> NDArray[np.float32]:
    """float32 (3,H,W) by the runtime's tile graph; the tile is as large as asked, or as the image."""
    artifact_id = artifact_of(bundle, runtime, "tile").id
    chosen = UpscaleOptions(artifact_id=artifact_id, runtime=runtime, tile_size=tile, **options)
    plan = Upscaler(bundle, chosen).plan((pixels.shape[0], pixels.shape[1]))
    assert plan.grid.tile_size == tuple(min(pair) for pair in zip(tile, plan.size, strict=True))
    return channels_first(upscale(pixels.astype(np.float32), bundle, chosen))


def tiles_of(bundle: Bundle, runtime: str) -> list[Size]:
    """Some tile sizes: the least, one that is not square, one whose sides differ in parity."""
    halo = artifact_of(bundle, runtime, "tile").halo
    assert halo is not None
    least = 2 * halo + 1
    return [(least, least), (least + 6, least + 1), (least + 1, 2 * least)]


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("size", SIZES)
def test_tiles_equal_the_whole(size: Size, runtime: str, any_bundle: Bundle) -> None:
    pixels = exposed("coffee", size)
    whole = run_whole(any_bundle, channels_first(pixels))
    for tile in tiles_of(any_bundle, runtime)[1 if size == (61, 53) else 0 :]:
        assert np.abs(tiled(any_bundle, pixels, runtime, tile) - whole).max() <= TOLERANCE, tile


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_sizes_around_the_tile(runtime: str, any_bundle: Bundle) -> None:
    """One less than a tile, a tile, one more, two tiles and one more, on either axis."""
    tile = tiles_of(any_bundle, runtime)[1]
    for rows, columns in ((-1, 0), (0, 0), (1, 0), (0, 1), (1, 1), (tile[0] + 1, 1), (-1, tile[1] + 1)):
        pixels = exposed("cat", (tile[0] + rows, tile[1] + columns))
        whole = run_whole(any_bundle, channels_first(pixels))
        assert np.abs(tiled(any_bundle, pixels, runtime, tile) - whole).max() <= TOLERANCE, (rows, columns)


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("size", [(33, 47), (2, 120), (43, 19)])
def test_active_projection_has_one_factor(size: Size, runtime: str, projection_bundle: Bundle) -> None:
    """Against the whole and against float32 PyTorch; a k of each tile's own would be far off."""
    pixels = projected(projection_bundle, size)
    whole = run_whole(projection_bundle, channels_first(pixels))
    with torch.inference_mode():
        expected = projected_generator()(torch.from_numpy(channels_first(pixels))[None])[0].numpy()
    assert np.abs(whole - upsample_bilinear(channels_first(pixels), 4)).max() > 1
    for tile in tiles_of(projection_bundle, runtime):
        result = tiled(projection_bundle, pixels, runtime, tile)
        assert np.abs(result - whole).max() <= TOLERANCE
        assert np.abs(result - expected).max() <= TOLERANCE


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("size", [(2, 2), (33, 47), (61, 53)])
def test_tiles_equal_pytorch_without_active_projection(size: Size, runtime: str, projection_bundle: Bundle) -> None:
    pixels = exposed("rocket", size)
    with torch.inference_mode():
        expected = projected_generator()(torch.from_numpy(channels_first(pixels))[None])[0].numpy()
    result = tiled(projection_bundle, pixels, runtime, tiles_of(projection_bundle, runtime)[1])
    assert np.abs(result - expected).max() <= TOLERANCE


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_suppressed_residual_is_bilinear(runtime: str, projection_bundle: Bundle) -> None:
    """Blown out but for a corner: the noise level of the whole is 0, that of the corner's tile is not."""
    pixels = np.full((40, 50, 3), 255, dtype=np.uint8)
    pixels[:15, :18] = exposed("coffee", (15, 18))
    lr = channels_first(pixels)
    assert noise_level(upsample_bilinear(lr, 4)) == 0
    assert factor(projection_bundle, pixels[:13, :13]) > 0.2
    result = tiled(projection_bundle, pixels, runtime, (13, 13))
    assert np.abs(result - upsample_bilinear(lr, 4)).max() <= 1e-3


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_no_seams(runtime: str, any_bundle: Bundle) -> None:
    """The pixels on both sides of every border between tiles are right, in an image of noise."""
    halo = artifact_of(any_bundle, runtime, "tile").halo
    assert halo is not None
    pixels = np.random.default_rng(3).integers(0, 256, (2 * halo + 31, 2 * halo + 23, 3), dtype=np.uint8)
    tile = (2 * halo + 9, 2 * halo + 5)
    grid = grid_of((pixels.shape[0], pixels.shape[1]), tile, halo)
    difference = np.abs(tiled(any_bundle, pixels, runtime, tile) - run_whole(any_bundle, channels_first(pixels)))
    rows = [4 * span.keep_start + side for span in grid.rows[1:] for side in (-1, 0)]
    columns = [4 * span.keep_start + side for span in grid.columns[1:] for side in (-1, 0)]
    assert len(rows) >= 4 and len(columns) >= 6
    assert difference[:, rows].max() <= TOLERANCE
    assert difference[:, :, columns].max() <= TOLERANCE


def test_whole_halo_is_cut(any_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network depends on the farthest pixel of the halo as much as on the nearest: a mean over all of it."""
    halo = artifact_of(any_bundle, "ort", "tile").halo
    assert halo is not None

    def mean_around(self: ImageSession, image: NDArray[np.float32]) -> NDArray[np.float32]:
        side = 2 * halo + 1
        padded = np.pad(image.astype(np.float64) - 128, [(0, 0), (halo + 1, halo), (halo + 1, halo)])
        sums = padded.cumsum(axis=1).cumsum(axis=2)
        sums = sums[:, side:] - sums[:, :-side]
        means: NDArray[np.float32] = ((sums[:, :, side:] - sums[:, :, :-side]) / side**2).astype(np.float32)
        return means.repeat(4, axis=1).repeat(4, axis=2)

    monkeypatch.setattr(ImageSession, "infer", mean_around)
    random = np.random.default_rng(4)
    for size in ((2 * halo + 12, 2 * halo + 9), (2 * halo + 1, 4 * halo)):
        pixels = random.integers(0, 2, (*size, 3), dtype=np.uint8) * np.uint8(255)
        whole = run_whole(any_bundle, channels_first(pixels))
        for tile in tiles_of(any_bundle, "ort"):
            assert np.abs(tiled(any_bundle, pixels, "ort", tile) - whole).max() <= 1e-3


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
def test_side_of_one_repeats_the_edge(size: Size, runtime: str, any_bundle: Bundle) -> None:
    pixels = exposed("coffee", size)
    least = any_bundle.manifest.minimum_side
    extended = np.pad(pixels, [(0, max(least - side, 0)) for side in size] + [(0, 0)], mode="edge")
    whole = run_whole(any_bundle, channels_first(extended))[:, : 4 * size[0], : 4 * size[1]]
    result = tiled(any_bundle, pixels, runtime, tiles_of(any_bundle, runtime)[0])
    assert result.shape == (3, 4 * size[0], 4 * size[1])
    assert np.abs(result - whole).max() <= TOLERANCE


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("size", [(1, 1), (2, 60), (45, 38)])
def test_rows_equal_the_array(size: Size, runtime: str, any_bundle: Bundle) -> None:
    """Bands from top to bottom, with an active projection too."""
    artifact_id = artifact_of(any_bundle, runtime, "tile").id
    tile = tiles_of(any_bundle, runtime)[1]
    options = UpscaleOptions(artifact_id=artifact_id, runtime=runtime, tile_size=tile)
    for pixels in (exposed("astronaut", size), *([projected(any_bundle, size)] if size == (45, 38) else [])):
        bands = list(upscale_rows(pixels.astype(np.float32), any_bundle, options))
        assert len(bands) == len(Upscaler(any_bundle, options).plan(size, in_order=True).grid.rows)
        result = channels_first(np.concatenate(bands))
        expected = channels_first(upscale(pixels.astype(np.float32), any_bundle, options))
        assert result.shape == expected.shape == (3, 4 * size[0], 4 * size[1])
        assert np.abs(result - expected).max() <= TOLERANCE

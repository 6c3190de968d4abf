"""The published weights in tiles give the picture that their authors published: eight flips and transpositions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.quality.metrics import psnr
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.images.image_io import read_image, read_rgb8
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import Upscaler
from tests.helpers.whole_runs import channels_first


@pytest.fixture(scope="module")
def published_bundle(shared: Path, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """Only the float32 ONNX tile graph."""
    options = ExportOptions(
        checkpoint=shared / "weights" / "srrescgan_x4.pth", targets=("onnx",), graphs=("tile",), tile_size=(64, 64)
    )
    return export_bundle(options, tmp_path_factory.mktemp("published") / "bundle", cache_dir=cache_dir).bundle


@pytest.mark.slow
@pytest.mark.parametrize("memory_mb", [100, 1000])
def test_self_ensemble_is_the_published_picture(memory_mb: int, shared: Path, published_bundle: Bundle) -> None:
    """In small tiles and in a few large ones (the whole image would take 5 GB); several minutes each."""
    pixels = read_rgb8(shared / "data" / "real_LR" / "0829.png")
    expected = read_image(shared / "weights" / "golden" / "0829_sr_self_ensemble.png")
    options = UpscaleOptions(threads=2, memory_bytes=memory_mb * 10**6, self_ensemble=True)
    upscaler = Upscaler(published_bundle, options)
    tiles = upscaler.plan((pixels.shape[0], pixels.shape[1])).grid.tiles
    assert tiles > 50 if memory_mb == 100 else 4 <= tiles <= 9
    assert psnr(channels_first(upscaler.array(pixels)), expected) >= 60


@pytest.mark.slow
def test_tiles_of_the_published_network_equal_the_whole(shared: Path, published_bundle: Bundle) -> None:
    """A crop of 120x150 with the self-ensemble, untiled and in tiles of 33x40."""
    pixels = read_rgb8(shared / "data" / "real_LR" / "0829.png")[60:180, 90:240].astype(np.float32)
    results = []
    for tile in ((120, 150), (33, 40)):
        upscaler = Upscaler(published_bundle, UpscaleOptions(threads=2, tile_size=tile, self_ensemble=True))
        assert upscaler.plan((120, 150)).grid.tile_size == tile
        results.append(upscaler.array(pixels))
    assert np.abs(results[0] - results[1]).max() <= 0.01

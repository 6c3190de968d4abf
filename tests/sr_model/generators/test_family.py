"""The family of plain convolutions: every file of every member computes what PyTorch computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edgesr.benchmarks.parity.check import check_parity
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.export.calibration.photographs import photograph_files
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import read_rgb8
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import upscale
from edgesr.sr_model.evaluation.generator_quality import generator_pixels
from edgesr.sr_model.generators.checkpoint import load_checkpoint, save_checkpoint
from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.generators.generator import Generator

FAMILY = ("mobile-s", "mobile-m", "mobile-l")
LARGEST_RESIDUAL = 60.0


def seeded(name: str, path: Path) -> Path:
    """A checkpoint whose residuals are as large as those of a trained one at strong edges."""
    torch.manual_seed(5)
    generator = Generator(preset(name)).eval().requires_grad_(False)
    largest = generator.residual(torch.rand(1, 3, 64, 64) * 255).abs().max()
    generator.body.tail.weight *= LARGEST_RESIDUAL / largest
    save_checkpoint(path, generator, {})
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILY)
def test_every_target_and_precision_has_parity(name: str, cache_dir: Path, tmp_path: Path) -> None:
    """All convolutions in int8, one delegate partition, and the runtimes' files equal PyTorch."""
    checkpoint = seeded(name, tmp_path / "seeded.safetensors")
    options = ExportOptions(checkpoint=checkpoint, tile_size=(48, 40), precisions=("fp32", "fp16", "int8"))
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    config = preset(name)
    artifacts = bundle.manifest.artifacts
    assert {artifact.halo for artifact in artifacts if artifact.graph == "tile"} == {config.blocks + 2}
    for artifact in artifacts:
        if artifact.precision == "int8":
            assert artifact.quantization is not None
            assert not artifact.quantization.float_layers, artifact.id
            assert artifact.quantization.quantized_mac_share == pytest.approx(1)
        for use in artifact.uses:
            if use.name == "tflite" and artifact.precision in ("fp32", "int8"):
                assert use.delegate is not None
                assert (use.delegate.found.partitions, use.delegate.found.fallback) == (1, {}), artifact.id
    for artifact, runtime in select_artifacts(bundle):
        for golden in check_parity(bundle, artifact, runtime=runtime, threads=1).goldens:
            assert not golden.failures, (artifact.id, golden)


def test_member_without_weights_says_how_to_get_some() -> None:
    with pytest.raises(InputError, match=r"'mobile-s' has no embedded weights: .*edgesr train --preset mobile-s"):
        ExportOptions(preset="mobile-s").source()


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("seed", range(3))
def test_new_member_passes_its_features_on_and_is_near_bilinear(name: str, seed: int) -> None:
    """Measured: features 1.0 to 2.0 times those of the head, residuals of 3 to 7 levels."""
    torch.manual_seed(seed)
    body = Generator(preset(name)).body
    lr = torch.rand(1, 3, 32, 32) * 255
    with torch.no_grad():
        first = body.head(lr / 255)
        growth = body.blocks(first).square().mean() / first.square().mean()
        residual = body(lr)
    assert 0.5 < growth.sqrt().item() < 3
    assert 0.5 < residual.square().mean().sqrt().item() < 12


@pytest.mark.slow
def test_tiles_equal_the_whole_picture(cache_dir: Path, tmp_path: Path) -> None:
    checkpoint = seeded("mobile-s", tmp_path / "seeded.safetensors")
    options = ExportOptions(checkpoint=checkpoint, tile_size=(48, 40), targets=("onnx", "tflite"), graphs=("tile",))
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    lr = read_rgb8(photograph_files()[0])[:75, :101]
    whole = generator_pixels(load_checkpoint(checkpoint))(lr)
    for runtime in ("ort", "tflite"):
        tiled = upscale(lr, bundle, UpscaleOptions(runtime=runtime, tile_size=(48, 40)))
        assert np.abs(tiled.astype(int) - whole).max() <= 1, runtime
        assert (tiled != whole).mean() < 1e-3, "but for a rounding"

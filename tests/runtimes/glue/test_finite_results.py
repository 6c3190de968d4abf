"""A result that is not finite is an error, not a black pixel; a finite one out of range is clipped, never wrapped."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from edgesr.benchmarks.parity.check import check_parity
from edgesr.benchmarks.quality.candidates import bundle_candidate
from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.runtimes.adapters.session import ImageSession
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import GraphKind, InsideVariant, Precision
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.glue.projection import apply_residual, clip, projection_factor, square_sum, subtract
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.pixels import in_dtype
from edgesr.runtimes.upscaling.upscale import upscale, upscale_rows
from edgesr.sr_model.evaluation.generator_quality import generator_pixels
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.generator import Generator
from tests.helpers.cli_refusals import RunCli, picture, refused
from tests.helpers.small_bundle import TOLERANCE
from tests.helpers.whole_runs import artifact_of, exposed

NOT_FINITE = (math.nan, math.inf, -math.inf)
LOOSE = replace(TOLERANCE, min_psnr_db=20, max_abs_error=99, max_mean_shift=9, max_border_error=99)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let every network give this value in one place."""
    real = ImageSession.infer

    def use(value: float) -> None:
        def infer(self: ImageSession, image: Image) -> Image:
            result = real(self, image).copy()
            result[1, 33, 35] = value
            return result

        monkeypatch.setattr(ImageSession, "infer", infer)

    return use


@pytest.mark.parametrize("k", [0.0, 0.5, 1.0, math.nan])
def test_clip_does_not_hide_what_is_not_finite(k: float) -> None:
    upsampled = np.full((3, 1, 2), 100, dtype=np.float32)
    residual = np.zeros((3, 1, 2), dtype=np.float32)
    residual[:, 0, 0] = NOT_FINITE
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = clip(subtract(upsampled, residual, k))
    assert np.isnan(result[:, 0, 0]).all()
    assert np.isnan(result[:, 0, 1]).all() if math.isnan(k) else (result[:, 0, 1] == 100).all()


@pytest.mark.parametrize("value", NOT_FINITE)
def test_factor_of_what_is_not_finite_is_nan(value: float) -> None:
    residual = np.array([[[1, 2, value]]], dtype=np.float32)
    assert math.isnan(projection_factor(square_sum(residual), 3, sigma=1.0, alpha=0.0))
    assert math.isnan(projection_factor(9.0, 3, sigma=value, alpha=0.0))


def test_factor_of_large_finite_values() -> None:
    """Squares of 1e30 pass float32, exp(1000) passes float64."""
    residual = np.full((3, 2, 2), 1e30, dtype=np.float32)
    factor = projection_factor(square_sum(residual), 12, sigma=2.0, alpha=0.0)
    assert factor == pytest.approx(2e-30 * math.sqrt(11 / 12), rel=1e-6)
    assert projection_factor(square_sum(residual), 12, sigma=2.0, alpha=1000.0) == 1.0
    assert projection_factor(square_sum(residual), 12, sigma=0.0, alpha=1000.0) == 0.0


@pytest.mark.parametrize(
    ("dtype", "expected"), [(np.uint8, [0, 0, 255, 255, 255]), (np.uint16, [0, 0, 65535, 65535, 65535])]
)
def test_integers_are_clipped(dtype: type[np.generic], expected: list[int]) -> None:
    values = np.array([-1e9, -0.6, 255.5, 256, 1e9], dtype=np.float32)
    result = in_dtype(np.stack([values[np.newaxis]] * 3), dtype)
    assert result.dtype == dtype
    assert result[0].tolist() == [[value] * 3 for value in expected]


def test_floats_are_clipped_and_not_rounded() -> None:
    values = np.array([[[-0.5, 0.25, 255.25]]] * 3, dtype=np.float32)
    assert in_dtype(values, np.float32)[0, :, 0].tolist() == [0, 0.25, 255]


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("self_ensemble", [False, True])
@pytest.mark.parametrize("graph", get_args(GraphKind))
def test_upscaling_names_the_artifact(
    graph: GraphKind, self_ensemble: bool, value: float, any_bundle: Bundle, broken: Callable[[float], None]
) -> None:
    broken(value)
    artifact = artifact_of(any_bundle, "ort", graph)
    options = UpscaleOptions(artifact_id=artifact.id, self_ensemble=self_ensemble)
    message = f"{artifact.id} gives values that are not finite; check it with 'edgesr parity'"
    for dtype in (np.uint8, np.float32):
        with pytest.raises(EdgesrError, match=message):
            upscale(exposed("coffee", (20, 20)).astype(dtype), any_bundle, options)
    with pytest.raises(EdgesrError, match=message):
        list(upscale_rows(exposed("coffee", (20, 20)), any_bundle, options))


def test_the_artifact_inside_the_image_is_named(projection_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles that do not touch the border may have an artifact of their own."""
    manifest, border = projection_bundle.manifest, artifact_of(projection_bundle, "ort", "tile")
    inside = replace(border, id="onnx-inside", inside_only=True, inside=None)
    artifacts = (replace(border, inside=InsideVariant(time_ratio=0.9, artifact=inside.id)), inside)
    bundle = replace(projection_bundle, manifest=replace(manifest, artifacts=artifacts))
    real = ImageSession.infer

    def infer(self: ImageSession, image: Image) -> Image:
        return real(self, image) + np.float32(np.inf if self.artifact.id == inside.id else 0)

    monkeypatch.setattr(ImageSession, "infer", infer)
    with pytest.raises(EdgesrError, match=r"^onnx-inside gives values"):
        upscale(exposed("coffee", (80, 80)), bundle, UpscaleOptions(tile_size=(32, 32)))


@pytest.mark.parametrize(("value", "expected"), [(256, 255), (255.5, 255), (-0.6, 0), (1e30, 255)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_full_graph_outside_the_range_is_clipped(
    dtype: type[np.generic], value: float, expected: int, mobile_bundle: Bundle, broken: Callable[[float], None]
) -> None:
    pixels = exposed("coffee", (20, 20)).astype(dtype)
    options = UpscaleOptions(artifact_id="onnx-fp32-full")
    right = upscale(pixels, mobile_bundle, options)
    broken(value)
    right[33, 35, 1] = expected * (257 if dtype == np.uint16 else 1)
    assert np.array_equal(upscale(pixels, mobile_bundle, options), right)


@pytest.mark.parametrize("value", NOT_FINITE)
def test_command_writes_no_such_picture(
    value: float, run_cli: RunCli, any_bundle: Bundle, tmp_path: Path, broken: Callable[[float], None]
) -> None:
    source = picture(tmp_path / "in.png")
    broken(value)
    arguments = ("upscale", source, tmp_path / "out.png", "--bundle", any_bundle.root)
    refused(run_cli, tmp_path, *arguments, naming="onnx-fp32-tile gives values that are not finite")


@pytest.mark.parametrize("value", NOT_FINITE)
def test_evaluation_of_a_bundle(
    value: float, mobile_bundle: Bundle, tmp_path: Path, broken: Callable[[float], None]
) -> None:
    picture(tmp_path / "a.png", 64)
    candidate = bundle_candidate(mobile_bundle, read_image_set(tmp_path))
    broken(value)
    with pytest.raises(EdgesrError, match="onnx-fp32-tile gives values that are not finite"):
        candidate.upscale(exposed("cat", (16, 16)))


@pytest.mark.parametrize("bias", [3e38, -3e38])
def test_evaluation_of_a_checkpoint(bias: float) -> None:
    """Finite weights whose residual is infinite: the clip of the network gives black or white pixels."""
    config = GeneratorConfig(
        name="small", body="lr", width=8, blocks=1, activation="prelu", padding="zero", projection=False
    )
    generator = Generator(config)
    with torch.no_grad():
        dict(generator.named_parameters())["body.tail.bias"].fill_(bias)
    with pytest.raises(EdgesrError, match="small: gives values that are not finite"):
        generator_pixels(generator)(exposed("cat", (12, 12)))


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("precision", ["fp16", "int8", "w8a16"])
def test_parity_fails_where_the_picture_alone_is_right(
    precision: Precision, value: float, mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Minus infinity where the picture is white anyway: after a clip nothing of it can be seen."""
    manifest = mobile_bundle.manifest
    goldens = tuple(replace(g, tolerances={precision: LOOSE}) for g in manifest.goldens if g.id == "half-clipped")
    bundle = replace(mobile_bundle, manifest=replace(manifest, goldens=goldens))
    artifact = replace(mobile_bundle.artifact("onnx-fp32-tile"), precision=precision)
    real = ImageSession.infer

    def infer(self: ImageSession, image: Image) -> Image:
        residual = real(self, image).copy()
        white = apply_residual(image, residual, scale=manifest.scale, glue=manifest.glue) == 255
        residual[tuple(np.argwhere(white)[0])] = value
        return residual

    assert [g.failures for g in check_parity(bundle, artifact, runtime="ort", threads=1).goldens] == [()]
    monkeypatch.setattr(ImageSession, "infer", infer)
    (golden,) = check_parity(bundle, artifact, runtime="ort", threads=1).goldens
    assert (golden.psnr_db, golden.max_abs_error, golden.residual_psnr_db) == (None, None, None)
    assert golden.failures[0].startswith("1 of 196608 values of the output are NaN or infinite")
    assert golden.failures[1].startswith("residual: 1 of 196608 values of the output are NaN or infinite")

"""Tile graphs with their glue against full graphs, on every runtime, and upscaling single files."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from edgesr.export.calibration.photographs import photograph, photograph_files
from edgesr.runtimes.bundle.manifest import Glue, GraphKind
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.noise_level import noise_level
from edgesr.runtimes.glue.projection import apply_residual
from edgesr.runtimes.images.image_io import read_image, write_image
from edgesr.runtimes.progress import Progress, ProgressEvent, silent
from edgesr.runtimes.upscaling.files import FileUpscaler
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from edgesr.runtimes.upscaling.outcomes import Written
from edgesr.runtimes.upscaling.upscale import upscale_rows
from tests.helpers.whole_runs import RUNTIMES_HERE, run_whole

SIZE = (64, 64)


def upscale_file(
    source: Path, target: Path, bundle: Bundle, *, runtime: str | None = None, progress: Progress = silent
) -> Written:
    return FileUpscaler(bundle, UpscaleOptions(runtime=runtime), FileOptions(), progress).file(source, target)


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("exposure", [1, 3, 40])
def test_tile_graph_with_glue_equals_the_full_graph(runtime: str, exposure: int, any_bundle: Bundle) -> None:
    """Also where much of the image is clipped, so that a projection scales the residual or suppresses it."""
    height, width = any_bundle.manifest.tile_size
    image = np.clip(photograph("astronaut", (height, width)) * np.float32(exposure), 0, 255)
    full = run_whole(any_bundle, image, runtime=runtime, graph="full")
    tile = run_whole(any_bundle, image, runtime=runtime, graph="tile")
    assert full.shape == tile.shape == (3, 4 * height, 4 * width)
    assert np.abs(full - tile).max() <= 0.01


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("graph", get_args(GraphKind))
def test_projection_keeps_a_flat_image_flat(runtime: str, graph: GraphKind, projection_bundle: Bundle) -> None:
    image = np.full((3, *projection_bundle.manifest.tile_size), 77, dtype=np.float32)
    assert np.abs(run_whole(projection_bundle, image, runtime=runtime, graph=graph) - 77).max() <= 1e-3


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("graph", get_args(GraphKind))
def test_half_flat_image_is_not_left_bilinear(runtime: str, graph: GraphKind, mobile_bundle: Bundle) -> None:
    """Its noise level is 0: a projection would suppress the whole residual, in the detailed part too."""
    image = np.full((3, *SIZE), 255, dtype=np.float32)
    image[:, :, :24] = photograph("cat", (64, 24))
    bilinear = upsample_bilinear(image, 4)
    assert noise_level(bilinear) == 0
    result = run_whole(mobile_bundle, image, runtime=runtime, graph=graph)
    detailed = (slice(None), slice(None), slice(0, 4 * 22))
    assert np.abs(result - bilinear)[detailed].mean() > 1
    assert result[detailed].std() > bilinear[detailed].std()


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("graph", get_args(GraphKind))
def test_half_flat_image_with_a_projection_is_bilinear(
    runtime: str, graph: GraphKind, projection_bundle: Bundle
) -> None:
    image = np.full((3, *projection_bundle.manifest.tile_size), 255, dtype=np.float32)
    image[:, :, :12] = photograph("cat", (32, 12))
    result = run_whole(projection_bundle, image, runtime=runtime, graph=graph)
    assert np.abs(result - upsample_bilinear(image, 4)).max() <= 1e-3


def test_glue_without_noise_level_subtracts_the_residual_whole() -> None:
    image = np.full((3, 4, 4), 100, dtype=np.float32)
    residual = np.full((3, 16, 16), 30, dtype=np.float32)
    plain = Glue(upsample="bilinear", noise_level=None, alpha=None)
    assert np.array_equal(apply_residual(image, residual, scale=4, glue=plain), np.full((3, 16, 16), 70))
    projected = dataclasses.replace(plain, noise_level="db7-mad", alpha=9.0)
    assert np.array_equal(apply_residual(image, residual, scale=4, glue=projected), np.full((3, 16, 16), 100))


def _photograph_file(path: Path, size: tuple[int, int] = SIZE) -> Path:
    write_image(path, photograph("cat", size))
    return path


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_one_pixel_is_enough(runtime: str, size: tuple[int, int], any_bundle: Bundle, tmp_path: Path) -> None:
    """Also below the least side of reflect pads: the missing pixels repeat the last ones."""
    source = _photograph_file(tmp_path / "dot.png", size)
    written = upscale_file(source, tmp_path / "out.png", any_bundle, runtime=runtime)
    assert (written.height, written.width) == (4 * size[0], 4 * size[1])
    least = any_bundle.manifest.minimum_side
    missing = [(0, max(least - side, 0)) for side in size]
    whole = run_whole(any_bundle, np.pad(read_image(source), [(0, 0), *missing], mode="edge"))
    expected = whole[:, : 4 * size[0], : 4 * size[1]]
    assert np.abs(read_image(tmp_path / "out.png") - expected).max() <= 0.51


def test_one_image(mobile_bundle: Bundle, tmp_path: Path) -> None:
    source = _photograph_file(tmp_path / "in.png", (48, 40))
    events: list[ProgressEvent] = []
    written = upscale_file(source, tmp_path / "out.png", mobile_bundle, progress=events.append)
    assert written == Written(tmp_path / "out.png", 160, 192, "onnx-fp32-tile", "ort")
    assert written.describe() == f"{tmp_path / 'out.png'}: 160x192 by onnx-fp32-tile on ort"
    expected = run_whole(mobile_bundle, read_image(source))
    assert np.abs(read_image(tmp_path / "out.png") - expected).max() <= 0.501
    assert [(e.task, e.done, e.total) for e in events] == [("tiles", 0, 1), ("tiles", 1, 1)]
    assert events[0].note.startswith("in.png") and events[1].note.endswith("MP/s")


def test_upscaled_file_is_the_rounded_result(mobile_bundle: Bundle, tmp_path: Path) -> None:
    source = next(f for f in photograph_files() if f.stem == "coffee")
    written = upscale_file(source, tmp_path / "x.png", mobile_bundle, runtime="ort")
    expected = run_whole(mobile_bundle, read_image(source))
    assert (written.artifact, written.runtime) == ("onnx-fp32-tile", "ort")
    assert np.abs(read_image(tmp_path / "x.png") - expected).max() <= 0.501


def test_artifact_that_takes_no_such_image_names_it(mobile_bundle: Bundle, tmp_path: Path) -> None:
    source = _photograph_file(tmp_path / "in.png", (48, 40))
    options = UpscaleOptions(artifact_id="tflite-fp32-full-64x64")
    with pytest.raises(InputError, match=r"in\.png: tflite-fp32-full-64x64 takes only 64x64 .*, not 48x40"):
        FileUpscaler(mobile_bundle, options, FileOptions()).file(source, tmp_path / "out.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.png"]


def test_rows_refuse_before_the_first_is_asked_for(mobile_bundle: Bundle) -> None:
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    with pytest.raises(InputError, match="too little"):
        upscale_rows(image, mobile_bundle, UpscaleOptions(memory_bytes=1_000_000))

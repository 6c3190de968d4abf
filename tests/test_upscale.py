"""Upscaling whole images and folders, on every runtime."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from export.samples import photograph
from runtimes.bundle import Bundle
from runtimes.errors import InputError
from runtimes.image_io import read_image, write_image
from runtimes.manifest import Glue, GraphKind
from runtimes.progress import ProgressEvent
from runtimes.projection import noise_level, upsample_bilinear
from runtimes.registry import RUNTIMES, RuntimeInfo
from runtimes.session import open_session
from runtimes.upscale import apply_residual, check_size, choose_artifact, upscale
from runtimes.upscale_files import Written, upscale_files

SIZE = (64, 64)
Image = NDArray[np.float32]


def _names(bundle: Bundle, size: tuple[int, int] = SIZE, **wanted: str) -> tuple[str, str]:
    artifact, runtime = choose_artifact(bundle, size, **wanted)
    return artifact.id, runtime


def _run(bundle: Bundle, runtime: str, graph: GraphKind, image: Image) -> Image:
    artifact = next(a for a in bundle.manifest.artifacts if runtime in a.runtimes and a.graph == graph)
    session = open_session(bundle, artifact, runtime=runtime)
    return upscale(image, session, scale=bundle.manifest.scale, glue=bundle.manifest.glue)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("exposure", [1, 3, 40])
def test_tile_graph_with_glue_equals_the_full_graph(runtime: str, exposure: int, any_bundle: Bundle) -> None:
    """Also where much of the image is clipped, so that a projection scales the residual or suppresses it."""
    height, width = any_bundle.manifest.tile_size
    image = np.clip(photograph("astronaut", (height, width)) * np.float32(exposure), 0, 255)
    full = _run(any_bundle, runtime, "full", image)
    tile = _run(any_bundle, runtime, "tile", image)
    assert full.shape == tile.shape == (3, 4 * height, 4 * width)
    assert np.abs(full - tile).max() <= 0.01


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("graph", get_args(GraphKind))
def test_projection_keeps_a_flat_image_flat(runtime: str, graph: GraphKind, projection_bundle: Bundle) -> None:
    image = np.full((3, *projection_bundle.manifest.tile_size), 77, dtype=np.float32)
    assert np.abs(_run(projection_bundle, runtime, graph, image) - 77).max() <= 1e-3


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("graph", get_args(GraphKind))
def test_half_flat_image_is_not_left_bilinear(runtime: str, graph: GraphKind, mobile_bundle: Bundle) -> None:
    """Its noise level is 0: a projection would suppress the whole residual, in the detailed part too."""
    image = np.full((3, *SIZE), 255, dtype=np.float32)
    image[:, :, :24] = photograph("cat", (64, 24))
    bilinear = upsample_bilinear(image, 4)
    assert noise_level(bilinear) == 0
    result = _run(mobile_bundle, runtime, graph, image)
    detailed = (slice(None), slice(None), slice(0, 4 * 22))
    assert np.abs(result - bilinear)[detailed].mean() > 1
    assert result[detailed].std() > bilinear[detailed].std()


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("graph", get_args(GraphKind))
def test_half_flat_image_with_a_projection_is_bilinear(
    runtime: str, graph: GraphKind, projection_bundle: Bundle
) -> None:
    image = np.full((3, *projection_bundle.manifest.tile_size), 255, dtype=np.float32)
    image[:, :, :12] = photograph("cat", (32, 12))
    result = _run(projection_bundle, runtime, graph, image)
    assert np.abs(result - upsample_bilinear(image, 4)).max() <= 1e-3


def test_glue_without_noise_level_subtracts_the_residual_whole() -> None:
    image = np.full((3, 4, 4), 100, dtype=np.float32)
    residual = np.full((3, 16, 16), 30, dtype=np.float32)
    plain = Glue(upsample="bilinear", noise_level=None, alpha=None)
    assert np.array_equal(apply_residual(image, residual, scale=4, glue=plain), np.full((3, 16, 16), 70))
    projected = dataclasses.replace(plain, noise_level="db7-mad", alpha=9.0)
    assert np.array_equal(apply_residual(image, residual, scale=4, glue=projected), np.full((3, 16, 16), 100))


def test_full_graph_on_onnx_runtime_is_preferred(mobile_bundle: Bundle) -> None:
    assert _names(mobile_bundle) == ("onnx-fp32-full", "ort")
    assert _names(mobile_bundle, (33, 47)) == ("onnx-fp32-full", "ort")


def test_what_was_asked_for_is_chosen(mobile_bundle: Bundle) -> None:
    assert _names(mobile_bundle, runtime="tflite") == ("tflite-fp32-full-64x64", "tflite")
    assert _names(mobile_bundle, runtime="torchscript") == ("torchscript-fp32-full", "torchscript")
    assert _names(mobile_bundle, artifact_id="onnx-fp32-tile") == ("onnx-fp32-tile", "ort")
    assert _names(mobile_bundle, artifact_id="onnx-fp32-tile", runtime="ort") == ("onnx-fp32-tile", "ort")


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ("onnxruntime", ("onnx-fp32-full", "ort")),
        ("ai-edge-litert", ("tflite-fp32-full-64x64", "tflite")),
        ("torch", ("torchscript-fp32-full", "torchscript")),
        ("none", ("onnx-fp32-full", "ort")),
    ],
)
def test_installed_runtime_comes_before_preference(
    installed: str, expected: tuple[str, str], mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no runtime at all the preferred one is named, so that its install command is what the user reads."""
    monkeypatch.setattr(RuntimeInfo, "version", lambda self: "1" if self.distribution == installed else None)
    assert _names(mobile_bundle) == expected


def test_named_runtime_is_chosen_though_it_is_not_installed(
    mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RuntimeInfo, "version", lambda self: "1" if self.name == "ort" else None)
    assert _names(mobile_bundle, runtime="tflite")[1] == "tflite"


def test_float32_comes_before_other_precisions(mobile_bundle: Bundle) -> None:
    full = mobile_bundle.artifact("onnx-fp32-full")
    int8 = dataclasses.replace(full, id="onnx-int8-full", precision="int8")
    manifest = dataclasses.replace(mobile_bundle.manifest, artifacts=(int8, full))
    assert _names(Bundle(mobile_bundle.root, manifest)) == ("onnx-fp32-full", "ort")


@pytest.mark.parametrize(
    ("size", "artifact_id", "runtime", "message"),
    [
        (SIZE, "nope", None, "no artifact 'nope'; it has onnx-fp32-full"),
        (SIZE, None, "nope", "unknown runtime 'nope'"),
        (SIZE, "onnx-fp32-full", "tflite", "nothing in it opens in runtime 'tflite'; it has files for ort"),
        ((48, 40), None, "tflite", r"48x40 \(height x width\); fixed sizes here: tflite-fp32-full-64x64 \(64x64\)"),
        ((48, 40), "tflite-fp32-tile-64x64", None, r"48x40 .*tflite-fp32-tile-64x64 \(64x64\)"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    size: tuple[int, int], artifact_id: str | None, runtime: str | None, message: str, mobile_bundle: Bundle
) -> None:
    with pytest.raises(InputError, match=message):
        choose_artifact(mobile_bundle, size, artifact_id=artifact_id, runtime=runtime)


def test_least_size(projection_bundle: Bundle) -> None:
    least = projection_bundle.manifest.minimum_side
    assert least == 2
    check_size(projection_bundle, (least, least), "a.png")
    for size in ((least - 1, 9), (9, least - 1)):
        with pytest.raises(InputError, match=rf"a.png: {size[1]}x{size[0]} pixels is too small.*at least {least}"):
            check_size(projection_bundle, size, "a.png")


def test_one_pixel_is_enough_without_reflect_pads(mobile_bundle: Bundle, tmp_path: Path) -> None:
    assert mobile_bundle.manifest.minimum_side == 1
    source = _photograph_file(tmp_path / "dot.png", (1, 1))
    for runtime in ("ort", "torchscript"):
        upscale_files(source, tmp_path / "out.png", mobile_bundle, runtime=runtime)
        assert read_image(tmp_path / "out.png").shape == (3, 4, 4)


def _photograph_file(path: Path, size: tuple[int, int] = SIZE) -> Path:
    write_image(path, photograph("cat", size))
    return path


def test_one_image(mobile_bundle: Bundle, tmp_path: Path) -> None:
    source = _photograph_file(tmp_path / "in.png", (48, 40))
    events: list[ProgressEvent] = []
    written = upscale_files(source, tmp_path / "out.png", mobile_bundle, progress=events.append)
    assert written == [Written(tmp_path / "out.png", 160, 192, "onnx-fp32-full", "ort")]
    expected = _run(mobile_bundle, "ort", "full", read_image(source))
    assert np.abs(read_image(tmp_path / "out.png") - expected).max() <= 0.5
    assert [(e.done, e.total) for e in events] == [(0, 1), (1, 1)]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_folder(runtime: str, mobile_bundle: Bundle, tmp_path: Path) -> None:
    """Every image, whatever its format; files that are no images by suffix are left out."""
    (tmp_path / "in").mkdir()
    for name in ("b.png", "a.jpg"):
        _photograph_file(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").touch()
    target = tmp_path / "new" / "out"
    written = upscale_files(tmp_path / "in", target, mobile_bundle, runtime=runtime, threads=2)
    assert [(w.path, w.width, w.height, w.runtime) for w in written] == [
        (target / "a.png", 256, 256, runtime),
        (target / "b.png", 256, 256, runtime),
    ]
    assert sorted(p.name for p in target.iterdir()) == ["a.png", "b.png"]


def test_folder_of_different_sizes(mobile_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, size in (("a.png", (32, 48)), ("b.png", (64, 64)), ("c.png", (2, 2))):
        _photograph_file(tmp_path / "in" / name, size)
    written = upscale_files(tmp_path / "in", tmp_path / "out", mobile_bundle)
    assert [(w.height, w.width) for w in written] == [(128, 192), (256, 256), (8, 8)]


def test_name_collision_is_refused(mobile_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "a.jpg", "b.png"):
        _photograph_file(tmp_path / "in" / name)
    with pytest.raises(InputError, match=f"{re.escape(str(tmp_path / 'in'))}: several images .* as a.png; rename"):
        upscale_files(tmp_path / "in", tmp_path / "out", mobile_bundle)
    assert not (tmp_path / "out").exists()


def test_file_in_place_of_the_output_folder_is_refused(mobile_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    _photograph_file(tmp_path / "in" / "a.png")
    (tmp_path / "out").write_text("mine")
    for target in (tmp_path / "out", tmp_path / "out" / "below"):
        with pytest.raises(InputError, match=re.escape(str(target))):
            upscale_files(tmp_path / "in", target, mobile_bundle)
    assert (tmp_path / "out").read_text() == "mine"


def test_folder_without_images_is_refused(mobile_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match=f"{re.escape(str(tmp_path / 'in'))}: no image in it"):
        upscale_files(tmp_path / "in", tmp_path / "out", mobile_bundle)
    assert not (tmp_path / "out").exists()


def test_image_that_is_too_small_is_named(projection_bundle: Bundle, tmp_path: Path) -> None:
    source = _photograph_file(tmp_path / "dot.png", (1, 1))
    with pytest.raises(InputError, match=f"{re.escape(str(source))}: 1x1 pixels is too small"):
        upscale_files(source, tmp_path / "out.png", projection_bundle)
    assert not (tmp_path / "out.png").exists()


def test_image_is_upscaled_in_place(mobile_bundle: Bundle, tmp_path: Path) -> None:
    """Source and target may be the same file."""
    source = _photograph_file(tmp_path / "in.png", (16, 16))
    upscale_files(source, source, mobile_bundle)
    assert read_image(source).shape == (3, 64, 64)

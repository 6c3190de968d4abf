"""Networks of one channel: found by running, exported, and photographs, grey images and tiles through their bundles."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import edgesr
from edgesr.benchmarks.latency.end_to_end import measure_end_to_end
from edgesr.benchmarks.latency.settings import EndToEndSettings
from edgesr.benchmarks.parity.check import check_parity
from edgesr.benchmarks.report.pictures import make_pictures
from edgesr.export.calibration.photographs import photograph
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.arrays import AnyPixels
from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.bundle.sound_manifest import require_sound
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.json_records import DecodeError
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.plan import plan_upscale
from edgesr.runtimes.upscaling.upscale import upscale, upscale_rows
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.probe import probe
from tests.export.foreign.conftest import NETWORKS

RunCli = Callable[..., tuple[int, str, str]]
FILE = NETWORKS / "one_channel.py"
TO_YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
"""As MATLAB's rgb2ycbcr."""
OFFSETS = np.array([16.0, 128.0, 128.0])


def network(name: str) -> nn.Module:
    found: nn.Module = getattr(importlib.import_module("tests.helpers.foreign.one_channel"), name)().eval()
    return found


def image_of(name: str, size: tuple[int, int]) -> AnyPixels:
    return np.ascontiguousarray(photograph(name, size).transpose(1, 2, 0))


def as_the_papers(name: str, image: AnyPixels, scale: int) -> AnyPixels:
    """Y of RGB (h,w,3) through the network, Cb and Cr by Pillow's bicubic of the image with its edge repeated."""
    ycbcr = image.astype(np.float64) @ TO_YCBCR.T + OFFSETS
    with torch.inference_mode():
        luma = network(name)(torch.from_numpy(ycbcr[:, :, 0].astype(np.float32))[None, None] / 255)[0, 0] * 255
    planes = [luma.clamp(0, 255).numpy().astype(np.float64)]
    for chroma in (1, 2):
        padded = np.pad(ycbcr[:, :, chroma].astype(np.float32), 4, mode="edge")
        size = (padded.shape[1] * scale, padded.shape[0] * scale)
        large = np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BICUBIC))
        planes.append(large[4 * scale : -4 * scale, 4 * scale : -4 * scale].astype(np.float64))
    rgb = (np.stack(planes, axis=2) - OFFSETS) @ np.linalg.inv(TO_YCBCR).T
    return np.asarray(np.clip(rgb, 0, 255))


def probed(module: nn.Module, colour: Colour | None = None) -> Contract:
    lr = torch.from_numpy(photograph("cat", (64, 80)))[None]
    contract, doubts = probe(module, "net", lr, peak=None, multiple=None, colour=colour)
    assert doubts == []
    return contract


@pytest.fixture(scope="session")
def espcn_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The ESPCN of the helpers for ONNX Runtime and TorchScript, tiles of 48x48. Do not change it."""
    output = tmp_path_factory.mktemp("bundles") / "espcn"
    options = ExportOptions(module=f"{FILE}:espcn", targets=("onnx", "torchscript"), tile_size=(48, 48))
    return export_bundle(options, output, cache_dir=cache_dir).bundle


@pytest.mark.parametrize(("name", "scale"), [("espcn", 3), ("fsrcnn", 2), ("vdsr", 2)])
def test_one_channel_is_found_by_running(name: str, scale: int) -> None:
    contract = probed(network(name))
    assert (contract.scale, contract.colour, contract.channels) == (scale, "luma", 1)
    assert (contract.peak, contract.multiple, contract.network_side) == (1, 1, 1)
    assert probed(network(name), "grey").colour == "grey"


@pytest.mark.parametrize(
    ("taken", "given", "colour", "part"),
    [
        (1, 1, "rgb", "takes images of 1 channel: its --colour is luma, which is taken without, or grey, not rgb"),
        (3, 3, "luma", "takes images of 3 channels: its --colour is rgb, not luma"),
        (3, 3, "grey", "its --colour is rgb, not grey"),
        (4, 4, None, "fails on an image of 3 channels and 48x64 pixels: RuntimeError"),
        (4, 4, "grey", "fails on an image of 1 channel and 48x64 pixels: RuntimeError"),
        (1, 3, None, "makes (1, 3, 48, 64) of an image (1, 1, 48, 64): need (1, 1, s*48, s*64)"),
        (3, 1, None, "makes (1, 1, 48, 64) of an image (1, 3, 48, 64): need (1, 3, s*48, s*64)"),
    ],
)
def test_other_channels_are_refused(taken: int, given: int, colour: Colour | None, part: str) -> None:
    with pytest.raises(InputError) as error:
        probed(nn.Conv2d(taken, given, 3, padding=1), colour)
    assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "part"), [({"colour": "luma"}, "--colour luma: says"), ({"module": "a.py:b", "colour": "y"}, "rgb, l")]
)
def test_colours_are_refused_before_any_code_runs(options: dict[str, str], part: str) -> None:
    with pytest.raises(InputError, match=part):
        ExportOptions(**options)  # type: ignore[arg-type]


def test_manifest_tells_of_one_channel(espcn_bundle: Bundle, cache_dir: Path, run_cli: RunCli) -> None:
    manifest = espcn_bundle.manifest
    assert (manifest.colour, manifest.scale) == ("luma", 3)
    assert manifest.tiling is not None and manifest.tiling.exact
    for artifact in manifest.artifacts:
        assert artifact.inputs[0].shape == artifact.outputs[0].shape == (1, 1, None, None)
    for golden in manifest.goldens:
        values = espcn_bundle.tensor(golden.input)
        assert values.shape == (1, *golden.size)
        assert values.min() >= 16 - 1e-3 and values.max() <= 235 + 1e-3
    with pytest.raises(DecodeError, match="of one channel"):
        require_sound(replace(manifest, glue=replace(manifest.glue, upsample="bilinear")))
    table = edgesr.inspect_module(ExportOptions(module=f"{FILE}:espcn"), cache_dir=cache_dir)[0]
    _, stdout, _ = run_cli("inspect", espcn_bundle.root)
    for text in (next(row[1] for row in table.rows if row[0] == "images"), stdout):
        assert "1 channel: luma" in text and "chroma is bicubic" in text


def test_files_compute_the_network(espcn_bundle: Bundle) -> None:
    for artifact in espcn_bundle.manifest.artifacts:
        parity = check_parity(espcn_bundle, artifact, runtime=artifact.runtimes[0], threads=1)
        assert len(parity.goldens) >= 6
        for golden in parity.goldens:
            assert golden.failures == ()
            assert golden.psnr_db is None or golden.psnr_db > 120


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (17, 23), (70, 45)])
@pytest.mark.parametrize("artifact", ["onnx-fp32-tile", "torchscript-fp32-tile", "onnx-fp32-full"])
def test_colour_photographs_come_out_as_the_papers_have_them(
    artifact: str, size: tuple[int, int], espcn_bundle: Bundle
) -> None:
    image = image_of("coffee", size)
    tiles = {} if artifact.endswith("full") else {"tile_size": (33, 24)}
    found = upscale(image, espcn_bundle, UpscaleOptions(artifact_id=artifact, **tiles))  # type: ignore[arg-type]
    expected = as_the_papers("espcn", image, 3)
    assert np.abs(found - expected).max() < 0.01
    assert max(np.ptp(found[:, :, 0] - found[:, :, 1]), np.abs(found[:, :, 0] - found[:, :, 2]).max()) > 10


def test_rows_and_other_dtypes_are_the_same_picture(espcn_bundle: Bundle) -> None:
    image = np.rint(image_of("coffee", (70, 45)))
    whole = upscale(image, espcn_bundle, UpscaleOptions(artifact_id="onnx-fp32-full"))
    bands = list(upscale_rows(image, espcn_bundle, UpscaleOptions(tile_size=(24, 33))))
    assert len(bands) > 1
    assert np.abs(np.concatenate(bands) - whole).max() < 0.01
    for dtype, unit in ((np.uint8, 1), (np.uint16, 257)):
        found = upscale((image * unit).astype(dtype), espcn_bundle)
        assert found.dtype == dtype
        assert np.abs(found.astype(np.float64) / unit - whole).max() <= 0.51


def test_a_self_ensemble_is_the_mean_of_eight_runs(espcn_bundle: Bundle) -> None:
    image = image_of("cat", (20, 30))
    turned = [(k, flip) for k in range(4) for flip in (False, True)]
    runs = []
    for k, flip in turned:
        seen = np.rot90(image[:, ::-1] if flip else image, k)
        back = np.rot90(as_the_papers("espcn", np.ascontiguousarray(seen), 3), -k)
        runs.append(back[:, ::-1] if flip else back)
    found = upscale(image, espcn_bundle, UpscaleOptions(self_ensemble=True))
    inside = (found > 1) & (found < 254)  # elsewhere the mean of clipped pictures is another one
    assert np.abs(found - np.mean(runs, axis=0))[inside].max() < 0.01


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_images_stay_grey(dtype: type, espcn_bundle: Bundle) -> None:
    unit = 257 if dtype == np.uint16 else 1
    grey = (np.rint(photograph("coffee", (50, 61))[0]) * unit).astype(dtype)
    for options in (UpscaleOptions(tile_size=(24, 24)), UpscaleOptions(self_ensemble=True)):
        found = upscale(grey, espcn_bundle, options)
        assert found.shape == (150, 183, 3)
        assert np.array_equal(found, np.repeat(found[:, :, :1], 3, axis=2))


def test_memory_of_an_ensemble_is_that_of_one_channel(espcn_bundle: Bundle) -> None:
    needs = [
        plan_upscale(espcn_bundle, (90, 90), UpscaleOptions(tile_size=(40, 40), self_ensemble=ensemble)).memory_bytes
        for ensemble in (False, True)
    ]
    assert needs[0] is not None and needs[1] is not None
    assert needs[1] - needs[0] == 7 * 4 * 9 * 40 * 40


def test_files_keep_what_they_are_and_the_colours_are_told_once(
    espcn_bundle: Bundle, tmp_path: Path, run_cli: RunCli
) -> None:
    (tmp_path / "in").mkdir()
    rgb = Image.fromarray(image_of("coffee", (20, 30)).astype(np.uint8))
    for mode in ("RGB", "RGBA", "L", "LA"):
        rgb.convert(mode).save(tmp_path / "in" / f"{mode}.png")
    code, _, stderr = run_cli("upscale", tmp_path / "in", tmp_path / "out", "--bundle", espcn_bundle.root)
    assert (code, stderr.count("\n"), stderr.count("1 channel: luma")) == (0, 1, 1)
    found = {mode: read_picture(tmp_path / "out" / f"{mode}.png") for mode in ("RGB", "RGBA", "L", "LA")}
    for mode, picture in found.items():
        assert picture.grey == mode.startswith("L")
        assert (picture.alpha is not None) == mode.endswith("A")
    expected = as_the_papers("espcn", np.asarray(rgb).astype(np.float32), 3)
    assert np.abs(found["RGB"].pixels - expected).max() <= 0.51
    assert np.array_equal(found["RGBA"].pixels, found["RGB"].pixels)
    out = ("--bundle", espcn_bundle.root)
    assert run_cli("upscale", tmp_path / "in" / "L.png", tmp_path / "grey.png", *out)[2] == ""
    assert run_cli("upscale", tmp_path / "in" / "RGB.png", tmp_path / "x.png", *out, "--dry-run")[0] == 0


def test_a_photograph_is_timed_from_file_to_file(espcn_bundle: Bundle) -> None:
    artifact = espcn_bundle.artifact("onnx-fp32-tile")
    settings = EndToEndSettings(size=(60, 70), repeats=1, memory_bytes=None)
    timed = measure_end_to_end(espcn_bundle, artifact, runtime="ort", threads=1, settings=settings)
    assert timed.size == (60, 70) and timed.network_ms > 0


@pytest.mark.slow
def test_pictures_of_a_report(espcn_bundle: Bundle, tmp_path: Path) -> None:
    """Each artifact's picture of a golden is PyTorch's; photographs keep their colours."""
    Image.fromarray(image_of("coffee", (60, 70)).astype(np.uint8)).save(tmp_path / "photo.png")
    pictures = make_pictures(espcn_bundle, [tmp_path / "photo.png"])
    assert pictures.notes == ()
    assert len(pictures.compared) == 3
    for compared in pictures.compared:
        assert {a.id for a in espcn_bundle.manifest.artifacts} <= compared.pictures.keys()
        assert all(heat.largest < 0.01 for heat in compared.heat_maps)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scale", "peak"), [("espcn", 3, None), ("fsrcnn", 2, None), ("vdsr", 2, 255)])
def test_tflite_of_one_channel(name: str, scale: int, peak: int | None, cache_dir: Path, tmp_path: Path) -> None:
    options = ExportOptions(module=f"{FILE}:{name}", peak=peak, targets=("tflite",), tile_size=(48, 48))
    report = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir)
    assert report.failures == ()
    for artifact in report.bundle.manifest.artifacts:
        parity = check_parity(report.bundle, artifact, runtime="tflite", threads=1)
        assert all(golden.failures == () for golden in parity.goldens)
    tile = report.bundle.artifact("tflite-fp32-tile-48x48")
    assert tile.use("tflite").resizable == (name != "fsrcnn")  # its transposed convolution has a size baked in
    image = image_of("coffee", (70, 101))
    found = upscale(image, report.bundle, UpscaleOptions(artifact_id=tile.id))
    if peak is None:
        assert np.abs(found - as_the_papers(name, image, scale)).max() < 0.01

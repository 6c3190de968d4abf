"""Networks of one channel: found by running, exported, and photographs, grey images and tiles through their bundles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import edgesr
from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.calibration.photographs import photograph
from edgesr.export.foreign.live import live_archive, split_source
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.export.stages.cache import StageCache
from edgesr.export.tiling.resized import RESULT_FILE, Resized
from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.bundle.sound_manifest import require_sound
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import DecodeError, to_json
from edgesr.runtimes.progress import silent
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import upscale
from edgesr.sr_model.generators.foreign.archive import read_contract
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.live import Generator
from edgesr.sr_model.generators.foreign.probe import probe
from tests.export.foreign.conftest import NETWORKS, require_parity
from tests.helpers.foreign.as_the_papers import as_the_papers, image_of, network

RunCli = Callable[..., tuple[int, str, str]]
FILE = NETWORKS / "one_channel.py"


def probed(module: nn.Module, colour: Colour | None = None) -> Contract:
    lr = torch.from_numpy(photograph("cat", (64, 80)))[None]
    contract, doubts = probe(module, "net", lr, peak=None, multiple=None, colour=colour)
    assert doubts == []
    return contract


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
    ("options", "part"),
    [({"colour": "luma"}, "--colour luma: describes"), ({"module": "a.py:b", "colour": "y"}, "rgb, l")],
)
def test_colours_are_refused_before_any_code_runs(options: dict[str, str], part: str) -> None:
    with pytest.raises(InputError, match=part):
        ExportOptions(**options)  # type: ignore[arg-type]


def test_a_live_network_is_grey_where_that_is_said(tmp_path: Path) -> None:
    cache = StageCache(tmp_path / "cache")
    with cache.locked():
        archive = live_archive(Generator(network("vdsr"), colour="grey"), cache, silent)
    assert read_contract(archive).colour == "grey"
    with pytest.raises(InputError, match="give one of rgb, luma, grey"):
        Generator(network("vdsr"), colour="blue")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="colour"):
        split_source(Generator(network("vdsr")), ExportOptions(module="a.py:b", colour="grey"))


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
    require_parity(espcn_bundle)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scale", "peak"), [("espcn", 3, None), ("fsrcnn", 2, None), ("vdsr", 2, 255)])
def test_tflite_of_one_channel(name: str, scale: int, peak: int | None, cache_dir: Path, tmp_path: Path) -> None:
    graphs = ("full", "tile") if name == "espcn" else ("tile",)
    options = ExportOptions(module=f"{FILE}:{name}", peak=peak, targets=("tflite",), graphs=graphs, tile_size=(48, 48))
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


def differs(folder: Path, _onnx_file: Path, _file: Path, *, sizes: tuple[Size, ...]) -> None:
    """In place of `prove_resized`."""
    assert len({(48, 48), *sizes}) == 3
    (folder / RESULT_FILE).write_text(to_json(Resized("at 53x66 it differs")))


@pytest.mark.slow
def test_a_file_that_is_wrong_at_other_sizes_is_not_resizable(
    cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its memory is then that of its own size."""
    monkeypatch.setattr("edgesr.export.stages.converted.prove_resized", differs)
    options = ExportOptions(module=f"{FILE}:espcn", targets=("tflite",), graphs=("tile",), tile_size=(48, 48))
    tile = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle.manifest.artifacts[0]
    memory = tile.use("tflite").memory
    assert not tile.use("tflite").resizable
    assert memory is not None and memory.bytes_per_lr_pixel == 0 and memory.fixed_bytes > 10**5


@pytest.mark.slow
@pytest.mark.parametrize("colour", ["luma", "grey"])
def test_an_onnx_file_of_one_channel(colour: Colour, tmp_path: Path, cache_dir: Path) -> None:
    """Exported as others do; its picture is that of the network in PyTorch."""
    module = network("espcn").eval()
    sides = torch.export.Dim.DYNAMIC
    torch.onnx.export(
        module,
        (torch.rand(1, 1, 40, 56),),
        tmp_path / "espcn.onnx",
        dynamo=True,
        dynamic_shapes=({2: sides, 3: sides},),
        external_data=False,
        verbose=False,
    )
    options = ExportOptions(
        onnx=tmp_path / "espcn.onnx", colour=colour, targets=("onnx",), graphs=("full",), tile_size=(48, 48)
    )
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    assert (bundle.manifest.colour, bundle.manifest.reference) == (colour, "onnxruntime")
    image = image_of("coffee", (40, 33))
    found = upscale(image, bundle, UpscaleOptions())
    assert found.shape == (120, 99, 3)
    if colour == "luma":
        assert np.abs(found - as_the_papers("espcn", image, 3)).max() < 0.01

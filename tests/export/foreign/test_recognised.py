"""Checkpoints of others whose architecture spandrel recognises, and what is said where it does not."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import edgesr
from edgesr.export.calibration.photographs import photograph
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.packages import installed_version
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import upscale
from edgesr.sr_model.generators.foreign import recognition
from edgesr.sr_model.generators.foreign.recognition import recognise
from tests.helpers.foreign.spandrel_networks import spandrel_network, write_torchvision

RunCli = Callable[..., tuple[int, str, str]]
needs_spandrel = pytest.mark.skipif(installed_version("spandrel") is None, reason="needs spandrel")


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that makes spandrel importable; it is imported in this process, and nothing else finds the names."""
    folder = write_torchvision(tmp_path_factory.mktemp("stub"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        importlib.import_module("spandrel")
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    yield folder


@pytest.fixture
def in_child(stub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child process finds the names too."""
    path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", str(stub) + (f"{os.pathsep}{path}" if path else ""))


def picture_255(network: torch.nn.Module, size: tuple[int, int]) -> torch.Tensor:
    """The picture that a network in [0,1] makes of a photograph, in [0,255]."""
    with torch.inference_mode():
        picture: torch.Tensor = network(torch.from_numpy(photograph("coffee", size))[None] / 255) * 255
    return picture


@needs_spandrel
@pytest.mark.filterwarnings("ignore:torch.meshgrid")
@pytest.mark.parametrize(
    ("name", "architecture", "scale", "multiple"),
    [
        ("compact", "RealESRGAN Compact", 4, 1),
        ("esrgan", "ESRGAN", 4, 1),
        ("esrgan-unshuffle", "ESRGAN", 1, 4),
        ("span", "SPAN", 2, 1),
        ("swinir", "SwinIR", 2, 1),
    ],
)
def test_checkpoints_are_recognised(
    name: str, architecture: str, scale: int, multiple: int, stub: Path, tmp_path: Path
) -> None:
    network = spandrel_network(name)
    torch.save({"params_ema": network.state_dict()}, tmp_path / "w.pth")
    built = recognise(tmp_path / "w.pth")
    assert built.described is not None and built.described.by == f"spandrel {installed_version('spandrel')}"
    said = built.described
    assert (said.architecture, said.scale, said.channels, said.multiple) == (architecture, scale, 3, multiple)
    assert len(built.notes) == 2 and "lie below params_ema" in built.notes[0] and architecture in built.notes[1]
    size = (24, 32)
    assert torch.equal(picture_255(built.network, size), picture_255(network, size))
    assert picture_255(network, size).shape == (1, 3, scale * 24, scale * 32)


@needs_spandrel
@pytest.mark.slow
def test_a_recognised_checkpoint_becomes_a_bundle(
    in_child: None, cache_dir: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    network = spandrel_network("compact")
    save_file(network.state_dict(), tmp_path / "x4v3.safetensors")
    arguments = ("--checkpoint", tmp_path / "x4v3.safetensors", "--targets", "onnx", "--tile-size", "48x48")
    code, _, stderr = run_cli("export", *arguments, "--output", tmp_path / "bundle", "--cache-dir", cache_dir)
    assert code == 0
    assert "recognises RealESRGAN Compact (12nf, 2nc), super-resolution" in stderr
    bundle = edgesr.open_bundle(tmp_path / "bundle")
    assert bundle.manifest.generator["name"] == "RealESRGAN Compact (x4v3.safetensors)"
    assert bundle.manifest.checkpoint.name == "x4v3.safetensors"
    image = np.ascontiguousarray(photograph("coffee", (37, 61)).transpose(1, 2, 0))
    expected = picture_255(network, (37, 61))[0].clamp(0, 255).permute(1, 2, 0).numpy()
    for artifact, tile_size in (("onnx-fp32-full", None), ("onnx-fp32-tile", (32, 32))):
        found = upscale(image, bundle, UpscaleOptions(artifact_id=artifact, tile_size=tile_size))
        assert np.abs(found - expected).max() < 0.01
    code, stdout, _ = run_cli("inspect", tmp_path / "x4v3.safetensors", "--cache-dir", cache_dir)
    assert code == 0 and "recognises RealESRGAN Compact" in " ".join(stdout.split())


@needs_spandrel
def test_unknown_architectures_are_told_with_their_first_names(stub: Path, tmp_path: Path) -> None:
    torch.save({f"some.{i}": torch.zeros(1) for i in range(5)}, tmp_path / "w.pth")
    with pytest.raises(InputError) as error:
        recognise(tmp_path / "w.pth")
    assert "it holds some.0, some.1, some.2 and 2 more; spandrel" in str(error.value)
    assert "--module FILE.py:NAME" in str(error.value)
    torch.save({"body.0.weight": torch.zeros(1), "body.1.weight": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"cannot load it: .*; give a generator"):
        recognise(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"purpose": "Inpainting"}, "its purpose is Inpainting, edgesr takes networks for super-resolution and"),
        ({"purpose": "FaceSR"}, "its purpose is FaceSR"),
        ({"output_channels": 1}, "it makes 1 channels of 3"),
        ({"size_requirements": SimpleNamespace(square=True)}, "it takes square images alone"),
    ],
)
def test_networks_for_something_else_are_refused(
    changed: dict[str, object], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = SimpleNamespace(square=False, multiple_of=1, minimum=0)
    said = {"purpose": "SR", "size_requirements": sizes, "input_channels": 3, "output_channels": 3, "tags": []}
    descriptor = SimpleNamespace(**{**said, **changed}, architecture=SimpleNamespace(name="LaMa"))
    loader = SimpleNamespace(load_from_state_dict=lambda _: descriptor)
    package = SimpleNamespace(ModelLoader=lambda: loader, UnsupportedModelError=LookupError)
    monkeypatch.setitem(sys.modules, "spandrel", package)
    monkeypatch.setattr(recognition, "installed_version", lambda _: "0.4.2")
    torch.save({"a": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=f"w.pth: spandrel 0.4.2 recognises LaMa: {why}"):
        recognise(tmp_path / "w.pth")


def test_a_broken_torchvision_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spandrel.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "spandrel", raising=False)
    torch.save({"a": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(InputError) as error:
        recognise(tmp_path / "w.pth")
    for part in (
        "w.pth: looks like nothing",
        "torchvision::nms does not exist; install the torchvision",
        "for torch 2.",
    ):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_where_spandrel_is_absent_it_is_named(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgesr.sr_model.generators.recognised.installed_version", lambda _: None)
    path, state = tmp_path / f"w{suffix}", {"conv_first.weight": torch.zeros(1), "x": torch.zeros(1)}
    torch.save(state, path) if suffix == ".pth" else save_file(state, path)
    calls = (
        lambda: edgesr.inspect(path, cache_dir=tmp_path / "cache"),
        lambda: export_bundle(ExportOptions(checkpoint=path), tmp_path / "bundle", cache_dir=tmp_path / "cache"),
    )
    for call in calls:
        with pytest.raises(InputError, match=r"looks like nothing .* or install spandrel .* or give --module$"):
            call()

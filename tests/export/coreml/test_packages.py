"""Core ML packages: their weights, their bytes, what is refused, and what is said where nothing can run them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgesr.export.coreml.conversion import export_coreml, in_float16
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint, load_checkpoint, save_checkpoint
from tests.helpers.places import ROOT
from tests.helpers.small_generator import save_projected_generator

TILE = "coreml-fp32-tile-64x64"


def weights_of(package: Path, folder: Path) -> list[np.ndarray]:
    """The weights of its convolutions, in order."""
    target = folder / "weights.npz"
    command = [sys.executable, "-P", "-m", "tests.export.coreml.read_package", str(package), str(target)]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    with np.load(target) as found:
        return [found[str(place)] for place in range(len(found.files))]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the float32 tile graph of the embedded srrescycgan-mobile for tiles of 16x24."""
    folder = tmp_path_factory.mktemp("coreml")
    export_coreml(folder, embedded_checkpoint("srrescycgan-mobile"), "tile", (16, 24), zero_padded=False)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def convolutions() -> list[Tensor]:
    modules = load_checkpoint(embedded_checkpoint("srrescycgan-mobile")).modules()
    return [module.weight for module in modules if isinstance(module, nn.Conv2d)]


@pytest.mark.slow
def test_weights_are_those_of_the_generator_and_rounded_to_float16(converted: Path, tmp_path: Path) -> None:
    """coremltools multiplies those of the last one by the 255 that follow it."""
    in_float16(tmp_path, converted / "model.mlpackage")
    before = content(converted)
    packages = (converted / "model.mlpackage", tmp_path / "model.mlpackage")
    single, half = (weights_of(package, tmp_path) for package in packages)
    *others, last = (weight.detach().numpy() for weight in convolutions())
    for first, second, weight in zip(single, half, [*others, last * np.float32(255)], strict=True):
        assert first.dtype == np.float32 and np.array_equal(first, weight)
        assert second.dtype == np.float16 and np.array_equal(second, weight.astype(np.float16))
    assert content(converted) == before, "coremltools writes a Manifest.json when it reads one"


@pytest.mark.slow
def test_the_same_conversion_gives_the_same_bytes(converted: Path, tmp_path: Path) -> None:
    export_coreml(tmp_path, embedded_checkpoint("srrescycgan-mobile"), "tile", (16, 24), zero_padded=False)
    assert content(tmp_path) == content(converted)
    assert content(tmp_path).keys() == {
        "model.mlpackage/Manifest.json",
        "model.mlpackage/Data/com.apple.CoreML/model.mlmodel",
        "model.mlpackage/Data/com.apple.CoreML/weights/weight.bin",
    }


@pytest.mark.slow
def test_weights_beyond_float16_stay_in_float32(tmp_path: Path) -> None:
    generator = load_checkpoint(embedded_checkpoint("srrescycgan-mobile"))
    with torch.no_grad():
        next(module for module in generator.modules() if isinstance(module, nn.Conv2d)).weight[0, 0, 0, 0] = 1e5
    save_checkpoint(tmp_path / "large.safetensors", generator, {})
    export_coreml(tmp_path, tmp_path / "large.safetensors", "tile", (16, 24), zero_padded=False)
    before = content(tmp_path / "model.mlpackage")
    (tmp_path / "half").mkdir()
    in_float16(tmp_path / "half", tmp_path / "model.mlpackage")
    first, *others = weights_of(tmp_path / "half" / "model.mlpackage", tmp_path)
    assert first.dtype == np.float32 and first[0, 0, 0, 0] == 1e5
    assert {weight.dtype for weight in others} == {np.dtype(np.float16)}
    assert content(tmp_path / "model.mlpackage") == before, "what it is made of is not written to"


def test_a_projection_in_float16_is_refused(tmp_path: Path, cache_dir: Path) -> None:
    options = ExportOptions(
        checkpoint=save_projected_generator(tmp_path),
        targets=("coreml",),
        precisions=("fp16a",),
        graphs=("full",),
        tile_size=(32, 32),
    )
    with pytest.raises(EdgesrError, match="coreml-fp16a-full-32x32: fp16a has too few digits for the noise level"):
        export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_other_precisions_are_refused_before_any_work(precision: str, tmp_path: Path) -> None:
    options = ExportOptions(preset="srrescycgan-mobile", targets=("coreml",), precisions=(precision,))
    with pytest.raises(InputError, match=f"coreml cannot be exported as {precision}"):
        export_bundle(options, tmp_path / "bundle", cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(sys.platform == "darwin", reason="Core ML runs here")
def test_it_is_not_run_and_says_so(
    mobile_bundle: Bundle, run_cli: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Parity does not fail by it, and never says that it passed."""
    results = tmp_path / "parity.json"
    code, _, err = run_cli("parity", mobile_bundle.root, "--artifact", TILE, "--json", results)
    assert code == 2, "nothing at all was measured"
    assert "no runtime of this bundle runs here: Core ML runs on macOS alone" in err
    code, out, _ = run_cli("parity", mobile_bundle.root, "--json", results)
    assert code == 0
    (row,) = [r for r in json.loads(results.read_text())["results"] if r["key"]["artifact"] == TILE]
    assert (row["status"], row["passed"], row["parity"]) == ("not run", False, None)
    assert row["reason"] == "Core ML runs on macOS alone: give this command there"
    rows = [line.split() for line in out.splitlines() if line.split()[:1] == [TILE]]
    cells = [row[1:] for row in rows if row[1] == "not"]
    assert cells == [["not", "run"] * (len(cells[0]) // 2)], "the matrix has no figure of it"
    picture, target = ROOT / "export" / "photographs" / "cat.png", tmp_path / "x.png"
    code, _, err = run_cli("upscale", picture, target, "--bundle", mobile_bundle.root, "--runtime", "coreml")
    assert (code, err) == (2, "edgesr: Core ML runs on macOS alone: give this command there\n")
    assert not target.exists()

"""The conversion by MNN's converter: the same bytes every time, proven, refused with reasons, and without pip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.parity.check import check_parity
from edgesr.benchmarks.parity.results import check_artifact
from edgesr.export.conversions.proof import Proof
from edgesr.export.conversions.to_onnx import export_onnx
from edgesr.export.mnn import converter
from edgesr.export.mnn.conversion import export_mnn
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.adapters import mnn
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.conversions import planted_modules
from tests.export.mnn.small_mnn import FIRST, converted, convolutions
from tests.helpers.places import ROOT
from tests.runtimes.adapters import small_onnx

REFUSING = "#!/bin/sh\necho \"$0 $*\" >> '{marker}'\nexit 1\n"


@pytest.fixture
def pip_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which calls of a pip are written, which stands first on PATH and refuses."""
    folder, marker = tmp_path / "programs", tmp_path / "calls"
    folder.mkdir()
    for name in ("pip", "pip3"):
        (folder / name).write_text(REFUSING.format(marker=marker))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert shutil.which("pip") == str(folder / "pip")
    return marker


@pytest.fixture(scope="module")
def bundle(mobile_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The embedded srrescycgan-mobile in all precisions of MNN: the float32 file is in the cache."""
    options = ExportOptions(
        preset="srrescycgan-mobile",
        targets=("mnn",),
        precisions=("fp32", "fp16", "w8"),
        graphs=("tile",),
        tile_size=mobile_bundle.manifest.tile_size,
    )
    return export_bundle(options, tmp_path_factory.mktemp("mnn") / "bundle", cache_dir=cache_dir).bundle


def test_a_conversion_writes_the_same_bytes_every_time(tmp_path: Path) -> None:
    """MNN itself gives every file a random number."""
    files = [converted(small_onnx.transposed(tmp_path / "model.onnx"), tmp_path / f"{name}.mnn") for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()
    other = convolutions(tmp_path)
    numbers = [mnn.load().get_model_uuid(str(file)) for file in (*files, other)]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", numbers[0])
    assert numbers[0] == numbers[1] != numbers[2]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mnn", "b.mnn", "model.mnn", "model.onnx"]


def test_lower_precisions_are_smaller_and_keep_their_tolerance(bundle: Bundle) -> None:
    sizes, psnr_db = {}, {}
    for artifact in bundle.manifest.artifacts:
        found = check_parity(bundle, artifact, runtime="mnn", threads=1)
        assert not any(golden.failures for golden in found.goldens), artifact.id
        sizes[artifact.precision] = artifact.file.size_bytes
        psnr_db[artifact.precision] = min(golden.psnr_db or 0.0 for golden in found.goldens)
    assert sizes["fp16"] < 0.55 * sizes["fp32"] and sizes["w8"] < 0.3 * sizes["fp32"]
    assert psnr_db["fp32"] > 100 > psnr_db["fp16"] > 85 > psnr_db["w8"] > 60


def test_operators_that_mnn_lacks_are_named(tmp_path: Path) -> None:
    source = small_onnx.unknown_operator(tmp_path / "model.onnx")
    proof = Proof(source=lambda batch: batch, images=(np.zeros((3, 8, 8), np.float32),), traced=(8, 8))
    with pytest.raises(EdgesrError, match=r"MNN has no operator for Frobnicate; replace it in the network, or leave"):
        export_mnn(source, tmp_path / "model.mnn", proof=proof, first=FIRST)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_a_file_that_misses_its_proof_is_refused(tmp_path: Path) -> None:
    """The proof of another module."""
    proof = proof_of(planted_modules.sound())
    export_onnx(planted_modules.sound(), tmp_path / "model.onnx", output_name="sr", proof=proof)
    other = Proof(source=lambda batch: proof.source(batch) + 1, images=proof.images, traced=proof.traced)
    with pytest.raises(
        EdgesrError, match=r"the MNN file does not compute what the module does: at .* differs by up to 1"
    ):
        export_mnn(tmp_path / "model.onnx", tmp_path / "model.mnn", proof=other, first=FIRST)


def test_no_pip_is_called(
    pip_calls: Path, bundle: Bundle, tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    """By conversion, parity and upscale; the import of MNN.tools would."""
    convolutions(tmp_path)
    assert check_artifact(bundle, HostDevice(), bundle.artifact("mnn-w8-tile"), "mnn").passed
    shutil.copy(ROOT / "export" / "photographs" / "cat.png", tmp_path / "in.png")
    arguments = ("upscale", tmp_path / "in.png", tmp_path / "out.png", "--bundle", bundle.root, "--runtime", "mnn")
    code, _, error = run_cli(*arguments)
    assert (code, pip_calls.exists()) == (0, False), error
    subprocess.run(["pip", "install", "something"], check=False)
    assert pip_calls.read_text().endswith("/pip install something\n")


def test_the_converter_has_a_pip_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    converter._refuse_pip(tmp_path)
    done = subprocess.run(["pip", "install", "something"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "edgesr lets no converter install packages\n")
    assert shutil.which("pip3") == str(tmp_path / "pip3")


def test_nothing_imports_the_tools_of_mnn() -> None:
    layers = ("benchmarks", "edgesr/cli", "export", "runtimes", "sr_model")
    modules = [file for name in layers for file in ROOT.glob(f"{name}/**/*.py")]
    assert len(modules) > 300
    importing = re.compile(r"^\s*(import|from)\s+MNN(\.tools|\s+import.*\btools)|import_module\(.MNN", re.MULTILINE)
    assert [file.name for file in modules if importing.search(file.read_text())] == []
    assert importing.search("import MNN.tools") and importing.search("    from MNN import nn, tools")


def test_settings_are_not_kept_in_the_file(tmp_path: Path) -> None:
    """The same file is run in fast and in exact arithmetic."""
    file, image = convolutions(tmp_path), np.full((1, 3, 20, 24), 99.0, np.float32)
    before = file.read_bytes()
    for exact in (False, True):
        assert mnn.open(file, RunSettings(exact=exact)).run(image).shape == (1, 3, 20, 24)
    assert file.read_bytes() == before

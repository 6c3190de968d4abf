"""The light install: its packed bundle is what an export writes, and its option leaves out only what it lacks."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.calibration.photographs import photograph
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.adapters import ort
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.files import sha256_of
from tests.helpers.light_install.absent import LightInstall, missing_packages
from tests.helpers.light_install.bundle import OPTIONS, write_light_bundle
from tests.helpers.light_install.needs_full import NEEDS_FULL
from tests.helpers.places import ROOT

TILE = photograph("cat", (64, 64))


@pytest.fixture(scope="module")
def light_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_light_bundle(tmp_path_factory.mktemp("light") / "bundle")


def residual(bundle: Bundle, artifact: Artifact) -> Image:
    return open_session(bundle, artifact).infer(TILE)


def assert_alike(first: Image, second: Image) -> None:
    """Two int8 files compute the same but for last bits of their scales, which follow the CPU that calibrated them."""
    assert np.abs(first).mean() > 1
    assert np.abs(first - second).mean() < 0.1


def test_packed_files_are_those_of_an_export(light_bundle: Bundle, cache_dir: Path, tmp_path: Path) -> None:
    """If they are not, pack them anew: python -m tests.helpers.light_install.bundle --pack."""
    exported = export_bundle(OPTIONS, tmp_path / "bundle", cache_dir=cache_dir).bundle
    of_light, of_today = light_bundle.manifest, exported.manifest
    assert [artifact.id for artifact in of_light.artifacts] == [artifact.id for artifact in of_today.artifacts]
    for packed, made in zip(of_light.artifacts, of_today.artifacts, strict=True):
        if packed.precision == "fp32":
            assert packed.files == made.files
        else:
            assert_alike(residual(light_bundle, packed), residual(exported, made))
    assert (of_light.schema_version, of_light.checkpoint) == (of_today.schema_version, of_today.checkpoint)
    assert [golden.tolerances for golden in of_light.goldens] == [golden.tolerances for golden in of_today.goldens]
    for ours, theirs in zip(of_light.goldens, of_today.goldens, strict=True):
        assert ours.input == theirs.input
        error = np.abs(light_bundle.tensor(ours.output) - exported.tensor(theirs.output)).max()
        assert error < 1e-3, ours.id


def test_its_goldens_are_those_of_onnx_runtime(light_bundle: Bundle) -> None:
    assert light_bundle.manifest.reference == "onnxruntime"
    assert len(light_bundle.manifest.goldens) == 6
    for artifact_id, least_db in (("onnx-fp32-tile", 120.0), ("tflite-fp32-tile-64x64", 120.0), ("onnx-int8-tile", 40)):
        artifact = light_bundle.artifact(artifact_id)
        for golden in check_parity(light_bundle, artifact, runtime=artifact.runtimes[0], threads=1).goldens:
            assert golden.failures == ()
            assert golden.psnr_db is None or golden.psnr_db > least_db


def test_the_walkthrough_makes_the_int8_file(light_bundle: Bundle, tmp_path: Path) -> None:
    script = ROOT / "docs" / "walkthrough" / "int8_file.py"
    command = [sys.executable, str(script), str(light_bundle.root), str(tmp_path / "int8")]
    for _ in range(2):  # a second time into the same folder
        lines = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()
    made, packed = tmp_path / "int8" / "model.onnx", light_bundle.artifact("onnx-int8-tile")
    assert packed.quantization is not None
    (told,) = [float(found) for line in lines for found in re.findall(r" mean PSNR ([0-9.]+) dB ", line)]
    assert told == pytest.approx(packed.quantization.mean_psnr_db, abs=0.2)
    same = sha256_of(made) == packed.file.sha256
    assert lines[-1] == f"the bundle's onnx-int8-tile is {'the same' if same else 'another'} file"
    session = ort.load().InferenceSession(str(made), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: TILE[None]})[0][0]
    assert_alike(found, residual(light_bundle, packed))


def test_nothing_is_left_out_without_the_option(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.has_plugin("light install") is pytestconfig.getoption("light")
    finders = [finder for finder in sys.meta_path if type(finder).__module__ == LightInstall.__module__]
    assert len(finders) == pytestconfig.getoption("light")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ModuleNotFoundError: No module named 'torch'", ["torch"]),
        ("export needs packages that are not installed (torch, onnxscript): pip install 'edgesr[export]'", ["torch"]),
        ("runtime 'openvino' (OpenVINO) is not installed: pip install 'edgesr[openvino]'", ["openvino"]),
        ("bundle: no artifact 'torchscript-fp32-full'; it has onnx-fp32-full", ["torchscript"]),
        ("No module named 'onnxruntime'", []),
        ("assert 'torch' in {'numpy'}", []),
        ("bundle: no artifact 'onnx-fp32-full'; it has torchscript-fp32-full", []),
    ],
)
def test_what_an_error_says_is_missing(text: str, named: list[str]) -> None:
    """Only what the light install lacks, and only where the text says that it is missing."""
    absent = {"torch", "onnxscript", "openvino", "torchscript"}
    assert missing_packages(text, absent)[:1] == named


def test_the_extra_has_no_framework() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = extras["dev-light"][0].removeprefix("edgesr[").removesuffix("]").split(",")
    required = [*extras["dev-light"][1:], *(package for extra in named for package in extras[extra])]
    assert {"onnx>=1.20", "onnxruntime>=1.20", "ai-edge-litert>=2.0", "pytest>=8"} <= set(required)
    assert not [package for package in required if package.startswith(("torch", "tensorflow", "edgesr"))]


@pytest.mark.parametrize("name", NEEDS_FULL)
def test_what_is_left_out_by_name_is_there(name: str) -> None:
    file, _, function = name.partition("::")
    assert f"def {function}(" in (ROOT / file).read_text()

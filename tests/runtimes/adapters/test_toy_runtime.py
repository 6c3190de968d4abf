"""A runtime is added by a file and a line in the table; an artifact may have several files."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.calibration.photographs import photograph
from edgesr.export.inspection.doctor import runtime_table
from edgesr.runtimes.adapters.profiling import profile_operators
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.manifest import Manifest
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.bundle.writing import file_entry, write_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import upscale
from tests.runtimes.adapters.toy_runtime import RUNTIME

TOY = "toy-fp32-tile"


@pytest.fixture
def bundle(mobile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """The mobile bundle with an artifact of two files for the toy runtime, which is in the table."""
    monkeypatch.setitem(RUNTIMES, RUNTIME.name, RUNTIME)
    copy = Path(shutil.copytree(mobile_bundle.root, tmp_path / "copy"))
    original = mobile_bundle.artifact("onnx-fp32-tile")
    (copy / "weights").mkdir()
    (copy / original.file.path).rename(copy / "weights" / "toy.bin")
    (copy / f"{TOY}.toy").write_text("weights/toy.bin")
    files = tuple(file_entry(copy, copy / name) for name in (f"{TOY}.toy", "weights/toy.bin"))
    use = dataclasses.replace(original.uses[0], name=RUNTIME.name)
    toy = dataclasses.replace(original, id=TOY, format="toy", uses=(use,), files=files)
    others = tuple(a for a in mobile_bundle.manifest.artifacts if a.id != original.id)
    manifest = dataclasses.replace(mobile_bundle.manifest, artifacts=(toy, *others))

    def fill(root: Path) -> Manifest:
        shutil.copytree(copy, root, dirs_exist_ok=True)
        return manifest

    write_bundle(tmp_path / "bundle", fill)
    return open_bundle(tmp_path / "bundle")


def test_it_keeps_parity_and_upscales(bundle: Bundle) -> None:
    artifact = bundle.artifact(TOY)
    for golden in check_parity(bundle, artifact, runtime="toy", threads=1).goldens:
        assert not golden.failures and golden.psnr_db is not None and golden.psnr_db > 95
    image = photograph("cat", (40, 50)).transpose(1, 2, 0)
    by_toy = upscale(image, bundle, UpscaleOptions(artifact_id=TOY, runtime="toy"))
    by_tflite = upscale(image, bundle, UpscaleOptions(runtime="tflite"))
    assert np.abs(by_toy - by_tflite).max() < 0.01
    profile = profile_operators(bundle, artifact, photograph("cat", (64, 64)), runtime="toy", threads=1, calls=1)
    assert profile.operators


def test_it_is_told_of(bundle: Bundle) -> None:
    assert [row[1] for row in runtime_table().rows if row[0] == "toy"] == ["Toy runtime"]
    with pytest.raises(InputError, match=f"choose one of {', '.join(RUNTIMES)}$"):
        upscale(np.zeros((9, 9, 3), np.uint8), bundle, UpscaleOptions(runtime="no"))


@pytest.mark.parametrize("name", [f"{TOY}.toy", "weights/toy.bin"])
def test_each_of_its_files_is_verified(bundle: Bundle, name: str) -> None:
    """When the bundle is opened, and when the model is."""
    file = bundle.root / name
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match=f"{name} was changed"):
        open_bundle(bundle.root)
    with pytest.raises(InputError, match=f"{name} was changed"):
        check_parity(bundle, bundle.artifact(TOY), runtime="toy", threads=1)
    file.unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        check_parity(open_bundle(bundle.root, verify="used"), bundle.artifact(TOY), runtime="toy", threads=1)

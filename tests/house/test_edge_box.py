"""An edge box: an environment with the extra of one runtime alone, without torch, tensorflow or onnx."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgesr.export.calibration.photographs import photograph, photograph_files
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.images.image_io import read_image, read_rgb8, write_image
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import upscale
from tests.helpers.places import ROOT
from tests.helpers.planted_checkouts import closures_of
from tests.helpers.whole_runs import RUNTIMES_HERE, artifact_of

HEAVY = ("torch", "tensorflow", "onnx", "onnxruntime")
_OTHERS = """
from edgesr.runtimes.adapters.registry import RUNTIMES, is_usable
print([name for name in RUNTIMES if name != {name!r} and is_usable(name)])
"""


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [str(c) for c in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def installed(folder: Path, extra: str) -> Path:
    """bin folder of a new virtual environment with the project and one extra, installed from its own files."""
    source = shutil.copytree(
        ROOT, folder / "source", ignore=shutil.ignore_patterns(".*", "build", "demo", "*.egg-info")
    )
    assert run(sys.executable, "-m", "venv", folder / "venv", cwd=folder).returncode == 0
    binaries = folder / "venv" / "bin"
    constraints = ("-c", ROOT / "constraints.txt")
    done = run(binaries / "python", "-m", "pip", "install", *constraints, f"{source}[{extra}]", cwd=folder)
    assert done.returncode == 0, done.stderr
    return binaries


@pytest.fixture(scope="module")
def edge_box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin folder of an environment with edgesr[tflite]."""
    return installed(tmp_path_factory.mktemp("edge-box"), RUNTIMES["tflite"].extra)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RUNTIMES_HERE if name != "tflite"])
def test_each_runtime_alone_upscales_as_the_workstation(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The one of the extra `tflite` is the edge box of the other tests. Runtimes that need torch bring their own torch
    along.
    """
    bundle: Bundle = request.getfixturevalue("executorch_mobile_bundle" if name == "executorch" else "mobile_bundle")
    (tmp_path / "box").mkdir()
    binaries = installed(tmp_path / "box", RUNTIMES[name].extra)
    found = run(binaries / "python", "-P", "-c", _OTHERS.format(name=name), cwd=tmp_path)
    brought = ["torchscript"] if name == "executorch" else []
    assert (found.returncode, found.stdout) == (0, f"{brought}\n"), found.stderr
    artifact = artifact_of(bundle, name, "tile")
    write_image(tmp_path / "in.png", photograph("coffee", (75, 90)))
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    options = ("--bundle", bundle.root, "--artifact", artifact.id, "--runtime", name, "--tile-size", "48x64")
    done = run(binaries / "edgesr", "upscale", source, target, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    expected = upscale(read_rgb8(source), bundle, UpscaleOptions(runtime="ort"))
    assert np.abs(read_rgb8(target).astype(int) - expected.astype(int)).max() <= 1
    parity = run(binaries / "edgesr", "parity", bundle.root, "--artifact", artifact.id, "--runtime", name, cwd=tmp_path)
    assert parity.returncode == 0, parity.stderr


@pytest.mark.slow
def test_edge_box_has_no_framework(edge_box: Path, tmp_path: Path) -> None:
    for name in HEAVY:
        assert run(edge_box / "python", "-P", "-c", f"import {name}", cwd=tmp_path).returncode != 0
    doctor = run(edge_box / "edgesr", "doctor", cwd=tmp_path)
    assert doctor.returncode == 0
    assert "pip install 'edgesr[onnx]'" in doctor.stdout


@pytest.mark.slow
def test_cache_keys_depend_on_the_same_files_in_an_installed_package(edge_box: Path) -> None:
    installed, checkout = closures_of(edge_box / "python"), closures_of(sys.executable)
    assert installed.keys() == checkout.keys()
    for name, (sources, _) in checkout.items():
        assert installed[name][0] == sources
        assert len(sources) > 5


@pytest.mark.slow
def test_edge_box_upscales_as_the_workstation(edge_box: Path, any_bundle: Bundle, tmp_path: Path) -> None:
    """With and without a projection, which a tile graph leaves to numpy."""
    height, width = any_bundle.manifest.tile_size
    write_image(tmp_path / "in.png", photograph("coffee", (height, width)))
    outputs = []
    for artifact in (f"tflite-fp32-full-{height}x{width}", f"tflite-fp32-tile-{height}x{width}"):
        target = tmp_path / f"{artifact}.png"
        options = ("--bundle", any_bundle.root, "--artifact", artifact)
        done = run(edge_box / "edgesr", "upscale", tmp_path / "in.png", target, *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        outputs.append(read_image(target))
    assert outputs[0].shape == (3, 4 * height, 4 * width)
    assert np.abs(outputs[0] - outputs[1]).max() <= 1


@pytest.mark.slow
def test_edge_box_measures_what_it_can(edge_box: Path, mobile_bundle: Bundle, tmp_path: Path) -> None:
    """Rows of absent runtimes say how to install them and fail nothing; the user's own folders do not interfere."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("raise SystemExit('the wrong benchmarks')")
    parity = run(edge_box / "edgesr", "parity", mobile_bundle.root, "--json", tmp_path / "p.json", cwd=tmp_path)
    assert parity.returncode == 0, parity.stderr
    bench = run(
        edge_box / "edgesr", "bench", mobile_bundle.root, "--calls", 2, "--seconds", 0, "--json", "l.json", cwd=tmp_path
    )
    assert bench.returncode == 0, bench.stderr
    for file in ("p.json", "l.json"):
        results = json.loads((tmp_path / file).read_text())["results"]
        statuses = {r["key"]["artifact"]: (r["status"], r["reason"]) for r in results}
        assert statuses.keys() == {artifact.id for artifact in mobile_bundle.manifest.artifacts}
        for artifact, (status, reason) in statuses.items():
            if artifact.startswith("tflite"):
                assert status == "done"
            elif artifact.startswith("coreml") and "coreml" not in RUNTIMES_HERE:
                assert status == "not run"
            else:
                assert status == "missing"
                assert "pip install 'edgesr[" in reason


@pytest.mark.slow
def test_edge_box_says_what_it_lacks(edge_box: Path, mobile_bundle: Bundle, tmp_path: Path) -> None:
    source = photograph_files()[0]
    options = ("--bundle", mobile_bundle.root, "--runtime", "ort")
    refused = run(edge_box / "edgesr", "upscale", source, tmp_path / "out.png", *options, cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "pip install 'edgesr[onnx]'" in refused.stderr
    exported = run(edge_box / "edgesr", "export", "--output", tmp_path / "bundle", cwd=tmp_path)
    assert exported.returncode == 2
    assert exported.stderr.count("\n") == 1
    assert "pip install 'edgesr[export]'" in exported.stderr
    trained = run(
        edge_box / "edgesr", "train", tmp_path, "--preset", "srrescycgan", "--output", tmp_path / "run", cwd=tmp_path
    )
    assert trained.returncode == 2
    assert "pip install 'edgesr[train]'" in trained.stderr
    assert list(tmp_path.iterdir()) == []

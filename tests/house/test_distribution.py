"""The wheel and the sdist hold `edgesr/` alone, and what is installed from the wheel does what a checkout does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.devices.arm64.guest import installed_guest
from edgesr.benchmarks.devices.browser.built import sources, sources_folder
from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import MissingPackageError
from edgesr.runtimes.images.image_io import read_image, write_image
from tests.helpers.places import ROOT

DATA = (
    "edgesr/py.typed",
    "edgesr/benchmarks/devices/arm64/instruction_counter.c",
    "edgesr/benchmarks/devices/arm64/instruction_kinds.h",
    "edgesr/benchmarks/devices/arm64/wheels.txt",
    "edgesr/benchmarks/devices/boxes/root/images-aarch64.txt",
    "edgesr/benchmarks/devices/boxes/root/images-x86_64.txt",
    "edgesr/benchmarks/report/templates/report.html.j2",
    "edgesr/export/photographs/PROVENANCE.md",
    "edgesr/export/photographs/cat.png",
    "edgesr/sr_model/weights/srrescycgan-mobile-real.md",
    "edgesr/sr_model/weights/srrescycgan-mobile-real.safetensors",
    *(f"edgesr/runtimes/web/app/{file.relative_to(sources_folder()).as_posix()}" for file in sources()),
)
SENT = """
import hashlib
from edgesr.benchmarks.devices.worker_process import WORKER
from edgesr.runtimes.import_closure import code_to_send
for name, content in code_to_send(WORKER).items():
    print(name, hashlib.sha256(content).hexdigest())
"""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a wheel and an sdist of this checkout."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".*", "build", "demo", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, symlinks=True, ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    sdist = "from setuptools.build_meta import build_sdist; import sys; build_sdist(sys.argv[1])"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder / "setuptools"), "setuptools>=77"]
    subprocess.run(pip, check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(folder / "setuptools")}
    command = [sys.executable, "-c", sdist, str(folder)]
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path) -> dict[str, str]:
    """Environment of a process that imports edgesr as the wheel installs it, and all else as this one does."""
    (wheel,) = built.glob("*.whl")
    target = built / "installed"
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return {**os.environ, "PYTHONPATH": str(target)}


def run(environment: dict[str, str] | None, folder: Path, *arguments: object) -> str:
    command = [sys.executable, "-P", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_name_is_installed(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"edgesr"}
    assert set(DATA) <= set(names)


def test_the_sdist_holds_files_in_place_of_links(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = {member.name.partition("/")[2]: member for member in archive.getmembers()}
    assert all(members[name].isfile() for name in DATA)
    assert not any(member.issym() or member.islnk() for member in members.values())
    folders = {name.partition("/")[0] for name, member in members.items() if member.isfile() and "/" in name}
    assert folders == {"edgesr", "edgesr.egg-info"}


def test_a_wheel_has_the_cache_keys_and_sends_the_files_of_a_checkout(
    installed: dict[str, str], mobile_bundle: Bundle, cache_dir: Path, tmp_path: Path
) -> None:
    where = run(installed, tmp_path, "-c", "import edgesr; print(edgesr.__file__)")
    assert where.startswith(installed["PYTHONPATH"])
    targets = ",".join(dict.fromkeys(artifact.format for artifact in mobile_bundle.manifest.artifacts))
    options = ("--preset", "srrescycgan-mobile", "--tile-size", "64x64", "--targets", targets, "--cache-dir", cache_dir)
    told = run(installed, tmp_path, "-m", "edgesr", "export", *options, "--output", "bundle")
    assert told.endswith("converted: nothing, all steps were in the cache\n"), told
    made = {file.name: file.read_bytes() for file in (tmp_path / "bundle").iterdir() if file.is_file()}
    assert made == {file.name: file.read_bytes() for file in mobile_bundle.root.iterdir() if file.is_file()}
    assert run(installed, tmp_path, "-c", SENT) == run(None, tmp_path, "-c", SENT)


def newer_pythons() -> list[Path]:
    """Interpreters of this machine that are newer than this one: on PATH, and installed next to this one."""
    beside = Path(sys.base_prefix).parent.glob("3.*/bin/python3")
    on_path = (shutil.which(f"python3.{minor}") for minor in range(sys.version_info.minor + 1, 20))
    found: dict[str, Path] = {}
    for python in (*beside, *(Path(name) for name in on_path if name)):
        command = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        version = tuple(map(int, told.stdout.split())) if told.returncode == 0 else (0, 0)
        if version > sys.version_info[:2]:
            found.setdefault(told.stdout, python)
    return list(found.values())


@pytest.mark.parametrize("python", newer_pythons(), ids=lambda python: python.parent.parent.name)
def test_newer_pythons_run_what_was_exported(built: Path, python: Path, mobile_bundle: Bundle, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    subprocess.run([str(python), "-m", "venv", str(tmp_path / "venv")], check=True)
    own = tmp_path / "venv" / "bin" / "python"
    pip = [str(own), "-m", "pip", "install", "-c", str(ROOT / "constraints.txt"), f"{wheel}[onnx,tflite]"]
    subprocess.run(pip, check=True, capture_output=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    write_image(tmp_path / "in.png", photograph("coffee", (40, 56)))
    for runtime in ("ort", "tflite"):
        options = ("--bundle", mobile_bundle.root, "--runtime", runtime)
        for name, interpreter in (("newer", own), ("this", sys.executable)):
            command = [interpreter, "-P", "-m", "edgesr", "upscale", "in.png", f"{name}-{runtime}.png", *options]
            subprocess.run(list(map(str, command)), cwd=tmp_path, env=environment, check=True, capture_output=True)
        newer, this = (read_image(tmp_path / f"{name}-{runtime}.png") for name in ("newer", "this"))
        assert np.abs(newer - this).max() <= 1
        command = [own, "-P", "-m", "edgesr", "parity", mobile_bundle.root, "--runtime", runtime]
        subprocess.run(list(map(str, command)), cwd=tmp_path, env=environment, check=True, capture_output=True)


def test_a_wheel_measures_on_an_emulated_device(
    installed: dict[str, str], mobile_bundle: Bundle, tmp_path: Path
) -> None:
    try:
        installed_guest()
    except MissingPackageError as error:
        pytest.skip(str(error))
    options = ("--artifact", "onnx-fp32-tile", "--runtime", "ort", "--device", "arm64:cortex-a53")
    told = run(installed, tmp_path, "-m", "edgesr", "parity", mobile_bundle.root, *options)
    assert told.count("pass") == 2

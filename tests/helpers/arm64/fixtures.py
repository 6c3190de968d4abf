"""The arm64 guest for tests: a real one, and fake tools that make one of a few bytes."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.arm64 import setup, smoke
from edgesr.benchmarks.devices.arm64.counter import COMPILERS, compiler
from edgesr.benchmarks.devices.arm64.guest import Guest
from edgesr.benchmarks.devices.arm64.recipe import package_names
from edgesr.benchmarks.devices.worker_process import WORKER
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.import_closure import write_code

_APT_GET = """#!{python} -IS
import hashlib, pathlib, sys
archive = pathlib.Path({archive!r})
arguments = [one.partition("=")[0] for one in sys.argv[1:] if ":" in one]
fault = (archive / "fault").read_text() if (archive / "fault").exists() else ""
if "update" in sys.argv:
    sys.stderr.write("W: Failed to fetch InRelease  Could not connect\\n" if fault == "network" else "")
    sys.exit(0)
for name in arguments:
    if not (archive / f"{{name}}.deb").is_file():
        sys.exit(f"E: Unable to locate package {{name}}")
for name in arguments:
    package, architecture = name.split(":")
    file, content = f"{{package}}_1%3a2.0_{{architecture}}.deb", (archive / f"{{name}}.deb").read_bytes()
    if "--print-uris" in sys.argv:
        print(f"'http://archive/{{file}}' {{file}} {{len(content)}} SHA256:{{hashlib.sha256(content).hexdigest()}}")
        continue
    with (archive / "log").open("a") as log:
        print(name, file=log)
    pathlib.Path(file).write_bytes(content[:3] if fault == "cut" else content)
"""

_DPKG = """#!/bin/sh
/bin/mkdir -p "$3" && /bin/tar -xf "$2" -C "$3"
"""

_PYTHON = """#!{python} -IS
import pathlib, shutil, sys
archive = pathlib.Path({archive!r})
if "compileall" in sys.argv:
    sys.exit(0)
if (archive / "fault").exists() and (archive / "fault").read_text() == "pip":
    sys.exit("ERROR: Could not find a version that satisfies the requirement\\n")
with (archive / "log").open("a") as log:
    print("pip", file=log)
kind = "*.tar.gz" if sys.argv[-3].endswith("sources.txt") else "*.whl"
for file in archive.glob(kind):
    shutil.copy(file, sys.argv[-1])
"""

_CONTENTS = {
    "qemu-user:amd64": {"usr/bin/qemu-aarch64": "qemu", "usr/bin/qemu-x86_64": "x86", "usr/bin/qemu-arm": "other"},
    "python3.11-minimal:arm64": {"usr/bin/python3.11": "python", "usr/lib/python3.11/os.py": "pass\n"},
    "libc6:arm64": {"lib/ld-linux-aarch64.so.1": "loader"},
}


@dataclass(frozen=True)
class FakeArchive:
    """Programs on PATH that answer from a folder: apt-get, dpkg, pip."""

    folder: Path

    @property
    def requirements(self) -> Path:
        """A list of its only wheel, as pip reads it."""
        return self.folder / "wheels.txt"

    @property
    def sources(self) -> Path:
        """A list of its only source archive."""
        return self.folder / "sources.txt"

    def fetched(self) -> list[str]:
        """The downloads since the last call, package:architecture or pip."""
        log = self.folder / "log"
        lines = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def fail(self, fault: str) -> None:
        """Misbehave from now on: network, cut, pip; nothing for an empty text."""
        (self.folder / "fault").write_text(fault)


@pytest.fixture
def fake_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeArchive:
    """Small packages and one wheel behind fake tools; the check in the guest always passes."""
    folder, programs = tmp_path / "archive", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    for name in package_names():
        _write_package(folder / f"{name}.deb", _CONTENTS.get(name, {f"usr/lib/{name}": name}))
    wheel = folder / "numpy-2.0-cp311-cp311-any.whl"
    with zipfile.ZipFile(wheel, "w") as opened:
        opened.writestr("numpy/__init__.py", "")
        opened.writestr("numpy/tests/test_it.py", "")
    pins = {"numpy": ("2.0", hashlib.sha256(wheel.read_bytes()).hexdigest())}
    (folder / "wheels.txt").write_text(f"numpy==2.0 \\\n    --hash=sha256:{pins['numpy'][1]}\n")
    archive = folder / "pyvips-3.0.tar.gz"
    _write_package(
        archive,
        {f"pyvips-3.0/{name}": "" for name in ("setup.py", "pyvips/__init__.py", "pyvips.egg-info/PKG-INFO")},
    )
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    (folder / "sources.txt").write_text(f"pyvips==3.0 \\\n    --hash=sha256:{sha256}\n")
    for module in (setup, smoke):
        monkeypatch.setattr(module, "wheel_pins", lambda: pins)
    monkeypatch.setattr(setup, "check_guest", lambda _: None)
    for name, text in (("apt-get", _APT_GET), ("dpkg", _DPKG), ("python", _PYTHON)):
        (programs / name).write_text(text.format(python=sys.executable, archive=str(folder)))
        (programs / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setenv("PATH", str(programs))
    return FakeArchive(folder)


def _write_package(file: Path, contents: dict[str, str]) -> None:
    with tarfile.open(file, "w") as opened:
        for name, text in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            opened.addfile(entry, io.BytesIO(text.encode()))


@pytest.fixture(scope="session")
def c_compiler() -> str:
    """A C compiler, for the plugin that counts instructions."""
    program = compiler()
    if program is None:
        pytest.skip(f"needs a C compiler: {', '.join(COMPILERS)}")
    return program


@pytest.fixture(scope="session")
def arm64_guest() -> Guest:
    """The guest in the user's cache (XDG_CACHE_HOME moves it), set up when it is not there."""
    try:
        return setup.set_up()
    except (MissingPackageError, InputError) as error:
        unavailable = any(sign in str(error) for sign in ("needs the network", "needs Linux"))
        if isinstance(error, InputError) and not unavailable:
            raise
        pytest.skip(str(error))


@pytest.fixture
def guest_code(tmp_path: Path) -> Path:
    """A folder with the code that the guest may import, and nothing of the host's site-packages."""
    folder = tmp_path / "guest_code"
    write_code(WORKER, folder)
    return folder

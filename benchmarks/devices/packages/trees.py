"""Folders of files that a set-up makes: unpacked, compiled, trimmed, and measured so that a change is noticed."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from edgesr.benchmarks.devices.packages.programs import require_program, run_program
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.import_closure import import_closure

UNUSED_OF_PYTHON = ("etc", "usr/share", "usr/lib/python3.11/pydoc_data", "usr/lib/python3.11/test")
"""Of Debian's Python and C library: folders that no inference reads."""

UNUSED_OF_WHEELS = (
    *("numpy/distutils", "numpy/f2py", "ncnn/model_zoo", "MNN/tools"),
    *(f"_tools.cpython-311-{machine}-linux-gnu.so" for machine in ("aarch64", "x86_64")),
    *(f"onnxruntime/{name}" for name in ("datasets", "quantization", "tools", "transformers")),
)
"""Of the wheels: what no inference reads. ``_tools`` is MNN's converter."""


def unpack_debian(packages: Iterable[Path], target: Path) -> None:
    """Unpack Debian packages into a folder."""
    dpkg = require_program("dpkg", "run this on Debian 12")
    for package in packages:
        run_program([dpkg, "-x", package, target], what=f"unpacking {package.name}", mend="is the disk full?")


def unpack_wheel(wheel: Path, target: Path) -> None:
    """Unpack a wheel into a folder of packages."""
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(target)


def unpack_source(archive: Path, target: Path) -> None:
    """Unpack the packages of a source archive, and what tells their version, into a folder of packages.

    They are those folders with the name of the archive: NAME and NAME.egg-info in NAME-VERSION.tar.gz.
    """
    name = archive.name.partition("-")[0]
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        shutil.unpack_archive(archive, folder, filter="data")
        (whole,) = Path(folder).iterdir()
        for part in (name, f"{name}.egg-info"):
            shutil.move(whole / part, target / part)


def drop(tree: Path, names: Iterable[str]) -> None:
    """Delete files and folders below a tree, where they are there."""
    for name in names:
        place = tree / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def drop_tests(packages: Path) -> None:
    """Delete numpy's own tests."""
    for folder in list((packages / "numpy").rglob("tests")):
        shutil.rmtree(folder, ignore_errors=True)


def compile_modules(folders: Sequence[Path], *, tree: Path, shown: Path) -> None:
    """Byte code of all modules, by this Python: making it on a device would take seconds at every start.

    Tracebacks show ``shown`` in place of ``tree``.
    """
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", str(shown)]
    run_program(
        [sys.executable, "-m", "compileall", *options, *folders],
        what="compiling Python modules",
        mend="is the disk full?",
    )


def measured_tree(folder: Path, *, without: str | None = None) -> tuple[int, str]:
    """Total bytes of the regular files below a folder, and one SHA-256 over their names and content, and over links;
    the file called ``without`` is left out.
    """
    size, digest = 0, hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        if file.is_symlink():
            digest.update(f"{name} -> {file.readlink()}\n".encode())
        elif file.is_file() and name != without:
            size += file.stat().st_size
            digest.update(f"{name} {sha256_of(file)}\n".encode())
    return size, digest.hexdigest()


def modules_of_set_up(module: str) -> dict[str, str]:
    """SHA-256 by name of those modules that a set-up imports from its own package and from this one: what it makes
    depends on them.
    """
    sources = import_closure(module).sources
    rooms = (f"{module.rpartition('.')[0]}.", f"{__package__}.")
    return {name: digest for name, digest in sources.items() if name.startswith(rooms)}

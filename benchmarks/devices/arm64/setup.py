"""Make the arm64 guest of Debian packages and wheels, without root. Nothing half-made is ever in its place."""

from __future__ import annotations

import contextlib
import itertools
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from edgesr.benchmarks.devices.arm64.cpus import CPUS, Cpu, write_system_files
from edgesr.benchmarks.devices.arm64.guest import (
    RECORD_FILE,
    SCHEMA_VERSION,
    Guest,
    GuestRecord,
    guest_folder,
    installed_guest,
)
from edgesr.benchmarks.devices.arm64.recipe import (
    EMULATORS,
    UNUSED,
    WHEELS,
    X86_CPU_FOLDER,
    X86_CPUINFO,
    package_names,
    recipe_sha256,
    wheel_pins,
)
from edgesr.benchmarks.devices.arm64.smoke import check_guest
from edgesr.benchmarks.devices.packages.debian import DebianArchive, DebianPackage
from edgesr.benchmarks.devices.packages.programs import require_program
from edgesr.benchmarks.devices.packages.trees import (
    compile_modules,
    drop,
    drop_tests,
    measured_tree,
    unpack_debian,
    unpack_wheel,
)
from edgesr.benchmarks.devices.packages.wheels import fetch_wheels
from edgesr.runtimes.directory_swap import swap_in
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.file_lock import locked
from edgesr.runtimes.files import require_creatable, sha256_of
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.progress import Progress, ProgressEvent, silent

TASK = "arm64 guest"
_STEPS = 6


def set_up(progress: Progress = silent, *, folder: Path | None = None) -> Guest:
    """Make the guest in ``folder`` (default: `guest_folder`); an intact one is returned at once.

    What was downloaded is kept next to it until the end, so an interrupted set-up is taken up again. An InputError or a
    MissingPackageError names what the machine lacks.
    """
    place = folder or guest_folder()
    require_host(place)
    require_creatable(place.parent)
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = place.with_name(f"{place.name}.lock")
    with locked(lock, other=f"another set-up of {place}", progress=progress):
        with contextlib.suppress(MissingPackageError):
            return installed_guest(place)
        work = place.with_name(f"{place.name}.setup")
        tree = work / "tree"
        _discard(tree)
        try:
            _make(tree, work, progress, place)
            swap_in(tree, place)
        finally:
            _discard(tree)
        shutil.rmtree(work)
        return installed_guest(place)


def require_host(place: Path) -> None:
    """Raise an InputError unless this is Linux on x86-64 and the path can be handed to the guest."""
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        raise InputError(f"the arm64 guest needs Linux on x86-64; this is {platform.system()} on {platform.machine()}")
    if any(sign in str(place) for sign in ':"\n'):
        raise InputError(f"{place}: a colon or quotation mark in the guest's path cannot be used; set XDG_CACHE_HOME")


def _make(tree: Path, work: Path, progress: Progress, place: Path) -> None:
    """Fetch, unpack, try and record a guest in ``tree``, to be moved to ``place``."""
    tell = _teller(progress)
    require_program("dpkg", "run this on Debian 12")
    archive = DebianArchive(work / "apt")
    tell("package lists")
    archive.update()
    packages = archive.find(package_names())
    tell("Debian packages")
    archive.fetch(packages, work / "debs")
    tell("wheels")
    wheels = fetch_wheels(work / "wheels", WHEELS, wheel_pins())
    tell("unpacking")
    tree.mkdir()
    for one in packages:
        unpack_debian([work / "debs" / one.file], tree / ("emulator" if one.name.endswith(":amd64") else "base"))
    for wheel in wheels:
        unpack_wheel(wheel, tree / "site-packages")
    _trim(tree)
    for cpu in CPUS.values():
        _make_root(tree, cpu)
    cpuinfo = tree / X86_CPU_FOLDER / "proc/cpuinfo"
    cpuinfo.parent.mkdir(parents=True)
    cpuinfo.write_text(X86_CPUINFO)
    tell("compiling")
    compile_modules([tree / "base/usr/lib/python3.11", tree / "site-packages"], tree=tree, shown=place)
    tell("trying it")
    guest = Guest(tree, _record(tree, packages, wheels))
    check_guest(guest)
    (tree / RECORD_FILE).write_text(to_json(guest.record))
    tell("")


def _teller(progress: Progress) -> Callable[[str], None]:
    """A function that tells that a step begins; it is called once more when all steps are done."""
    done = itertools.count()
    return lambda step: progress(ProgressEvent(TASK, next(done), _STEPS, step))


def _trim(tree: Path) -> None:
    """Delete what no inference needs."""
    drop(tree, UNUSED)
    drop_tests(tree / "site-packages")
    for program in (tree / "emulator/usr/bin").iterdir():
        if program.name not in EMULATORS:
            program.unlink()


def _make_root(tree: Path, cpu: Cpu) -> None:
    """The root folder of one CPU: its own /proc and /sys, and links to what all CPUs share."""
    root = tree / "cpus" / cpu.name
    write_system_files(cpu, root)
    for name in ("lib", "usr"):
        (root / name).symlink_to(Path("../../base") / name)


def _record(tree: Path, packages: tuple[DebianPackage, ...], wheels: list[Path]) -> GuestRecord:
    size_bytes, sha256 = measured_tree(tree, without=RECORD_FILE)
    versions = {one.name: one.version for one in packages}
    return GuestRecord(
        schema_version=SCHEMA_VERSION,
        recipe_sha256=recipe_sha256(),
        qemu=versions["qemu-user:amd64"],
        packages=versions,
        wheels={name: version for name, (version, _) in wheel_pins().items()},
        downloads={one.file: one.sha256 for one in packages} | {wheel.name: sha256_of(wheel) for wheel in wheels},
        size_bytes=size_bytes,
        sha256=sha256,
    )


def _discard(tree: Path) -> None:
    if tree.exists():
        shutil.rmtree(tree)

"""Make a root for boxes of Debian packages and wheels, without root. Nothing half-made is ever in its place."""

from __future__ import annotations

import contextlib
import itertools
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from edgesr.benchmarks.devices.boxes.root.architecture import Architecture
from edgesr.benchmarks.devices.boxes.root.layers import (
    BASE,
    RECORD_FILE,
    SCHEMA_VERSION,
    Layer,
    Root,
    RootRecord,
    installed_root,
    root_folder,
)
from edgesr.benchmarks.devices.boxes.root.packing import pack_tree
from edgesr.benchmarks.devices.boxes.root.recipe import package_names, recipe_sha256, unused
from edgesr.benchmarks.devices.boxes.root.smoke import check_layers
from edgesr.benchmarks.devices.packages.debian import DebianArchive, DebianPackage
from edgesr.benchmarks.devices.packages.programs import require_program
from edgesr.benchmarks.devices.packages.trees import (
    compile_modules,
    drop,
    drop_tests,
    measured_tree,
    unpack_debian,
    unpack_source,
    unpack_wheel,
)
from edgesr.benchmarks.devices.packages.wheels import fetch_wheels
from edgesr.runtimes.directory_swap import swap_in
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.file_lock import locked
from edgesr.runtimes.files import require_creatable, sha256_of
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.progress import Progress, ProgressEvent, silent

_STEPS = 6


def set_up(architecture: Architecture, progress: Progress = silent, *, folder: Path | None = None) -> Root:
    """Make the root of a machine in ``folder`` (default: `root_folder`); an intact one is returned at once.

    What was downloaded is kept next to it until the end, so an interrupted set-up is taken up again. An InputError or a
    MissingPackageError names what this machine lacks.
    """
    if not sys.platform.startswith("linux"):
        raise InputError(f"a root is made of Debian packages, on Linux; this is {platform.system()}")
    place = folder or root_folder(architecture)
    require_creatable(place.parent)
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = place.with_name(f"{place.name}.lock")
    with locked(lock, other=f"another set-up of {place}", progress=progress):
        with contextlib.suppress(MissingPackageError):
            return installed_root(architecture, place)
        work = place.with_name(f"{place.name}.setup")
        made = work / "made"
        try:
            _make(architecture, work, made, progress)
            swap_in(made, place)
        finally:
            for half in (made, work / "trees"):
                shutil.rmtree(half, ignore_errors=True)
        shutil.rmtree(work)
        return installed_root(architecture, place)


def _make(architecture: Architecture, work: Path, made: Path, progress: Progress) -> None:
    """Fetch, unpack, try, pack and record a root in ``made``."""
    tell = _teller(progress, f"root for {architecture.machine}")
    require_program("dpkg", "run this on Debian 12")
    archive = DebianArchive(work / "apt")
    tell("package lists")
    archive.update()
    packages = archive.find(package_names(architecture))
    tell("Debian packages")
    archive.fetch(packages, work / "debs")
    tell("wheels")
    lists = {"wheels": architecture.wheels, "image-wheels": architecture.image_wheels}
    wheels = [file for name, one in lists.items() for file in fetch_wheels(work / name, one, one.pins())]
    tell("unpacking")
    trees = _unpack([work / "debs" / one.file for one in packages], wheels, work / "trees")
    compile_modules([*trees.values()], tree=work / "trees", shown=Path("/edgesr"))
    tell("trying it")
    check_layers(architecture, trees)
    tell("compressing")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    layers = tuple(packed_layer(name, tree, made) for name, tree in trees.items())
    (made / RECORD_FILE).write_text(to_json(_record(architecture, packages, wheels, layers)))
    tell("")


def _teller(progress: Progress, task: str) -> Callable[[str], None]:
    """A function that tells that a step begins; it is called once more when all steps are done."""
    done = itertools.count()
    return lambda step: progress(ProgressEvent(task, next(done), _STEPS, step))


def _unpack(debs: list[Path], wheels: list[Path], place: Path) -> dict[str, Path]:
    """The folder of each layer, by layer, without files that no worker needs."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    trees = {BASE: place / BASE} | {_distribution(wheel): place / _distribution(wheel) for wheel in wheels}
    unpack_debian(debs, trees[BASE])
    for wheel in wheels:
        unpack = unpack_wheel if wheel.suffix == ".whl" else unpack_source
        unpack(wheel, trees[_distribution(wheel)])
    for name, tree in trees.items():
        drop(tree, unused(name))
        drop_tests(tree)
    return trees


def _distribution(wheel: Path) -> str:
    """The name of a wheel's package, as the list of wheels writes it."""
    return wheel.name.partition("-")[0].replace("_", "-").lower()


def packed_layer(name: str, tree: Path, made: Path) -> Layer:
    """Pack a tree into an archive in the folder ``made``, and measure both."""
    size_bytes, sha256 = measured_tree(tree)
    archive = made / f"{name}.tar.gz"
    pack_tree(tree, archive)
    return Layer(
        name=name,
        sha256=sha256,
        size_bytes=size_bytes,
        archive_sha256=sha256_of(archive),
        archive_bytes=archive.stat().st_size,
    )


def _record(
    architecture: Architecture, packages: tuple[DebianPackage, ...], wheels: list[Path], layers: tuple[Layer, ...]
) -> RootRecord:
    return RootRecord(
        schema_version=SCHEMA_VERSION,
        recipe_sha256=recipe_sha256(architecture),
        machine=architecture.machine,
        packages={one.name: one.version for one in packages},
        wheels={name: version for name, (version, _) in architecture.pins.items()},
        downloads={one.file: one.sha256 for one in packages} | {wheel.name: sha256_of(wheel) for wheel in wheels},
        layers=layers,
    )

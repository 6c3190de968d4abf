"""A root in layers: each a .tar.gz that is made once, and named by what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.boxes.root.architecture import Architecture
from edgesr.benchmarks.devices.boxes.root.recipe import recipe_sha256
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.packages import require_packages

RECORD_FILE = "root.json"
SCHEMA_VERSION = 1
BASE = "base"
"""The layer of the C library and Python; the others are each a Python package."""

COMMON = (BASE, "numpy", "pillow", "cffi", "pycparser", "pyvips", "pyvips-binary")
"""Layers that every worker needs: with libvips, a box writes the same files as this machine."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """``sha256`` is over names and content (`measured_tree`), so that a layer that is made again keeps its name;
    ``archive_sha256`` and ``archive_bytes`` are of its .tar.gz.
    """

    name: str
    sha256: str
    size_bytes: int
    archive_sha256: str
    archive_bytes: int

    @property
    def folder(self) -> str:
        """The name of its folder on a box."""
        return f"{self.name}-{self.sha256[:32]}"

    @property
    def archive(self) -> str:
        """The name of its file in the root's folder."""
        return f"{self.name}.tar.gz"


@dataclass(frozen=True, kw_only=True)
class RootRecord:
    """A record of the parts of a root: ``packages`` and ``wheels`` are versions, ``downloads`` hex SHA-256 by file
    name.
    """

    schema_version: int
    recipe_sha256: str
    machine: str
    packages: dict[str, str]
    wheels: dict[str, str]
    downloads: dict[str, str]
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Root:
    """A complete root in ``folder``: an archive of each layer."""

    folder: Path
    record: RootRecord

    @property
    def distributions(self) -> frozenset[str]:
        """The Python packages that it has layers of."""
        return frozenset(layer.name for layer in self.record.layers) - {BASE}

    def layers(self, distributions: Sequence[str] = ()) -> tuple[Layer, ...]:
        """The layers that every worker needs, and those of these packages."""
        return tuple(layer for layer in self.record.layers if layer.name in (*COMMON, *distributions))

    def archive(self, layer: Layer) -> Path:
        """The layer's .tar.gz; raises an InputError where it was changed since it was made."""
        file = self.folder / layer.archive
        if not file.is_file() or sha256_of(file) != layer.archive_sha256:
            raise InputError(f"{file}: is missing or was changed; remove {self.folder} and set it up again")
        return file


def root_folder(architecture: Architecture) -> Path:
    """The folder of this user's root; raises MissingPackageError without the packages that set-up needs."""
    require_packages("a root for boxes", ("platformdirs",), extra="devices")
    import platformdirs

    return platformdirs.user_cache_path("edgesr").absolute() / architecture.set_up_name


def installed_root(architecture: Architecture, folder: Path | None = None) -> Root:
    """The root in ``folder`` (default: `root_folder`).

    Raises a MissingPackageError with the set-up command when it is absent, incomplete, damaged or made by another
    recipe.
    """
    place = folder or root_folder(architecture)
    command = architecture.set_up_command
    if not place.exists():
        raise MissingPackageError(f"the root for {architecture.machine} boxes is not set up: {command}")
    try:
        record = read_record(RootRecord, place / RECORD_FILE, remake="set it up again")
    except InputError as error:
        raise MissingPackageError(f"the root for {architecture.machine} is damaged ({error}): {command}") from None
    if (record.schema_version, record.recipe_sha256) != (SCHEMA_VERSION, recipe_sha256(architecture)):
        raise MissingPackageError(f"the root in {place} is of another version of edgesr: {command}")
    root = Root(place, record)
    sizes = {layer.archive: layer.archive_bytes for layer in record.layers}
    found = {name: (place / name).stat().st_size for name in sizes if (place / name).is_file()}
    if found != sizes:
        raise MissingPackageError(f"the root in {place} is incomplete or changed: {command}")
    return root

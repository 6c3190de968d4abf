"""Open and verify a bundle: a directory of artifacts, goldens and manifest.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.bundle.manifest import OLDEST_SCHEMA_VERSION, SCHEMA_VERSION, Artifact, FileEntry, Manifest
from edgesr.runtimes.bundle.older_manifests import in_newest_form
from edgesr.runtimes.bundle.sound_manifest import require_sound
from edgesr.runtimes.directory_swap import recover
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.json_file import read_json, require_version
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.runtimes.wording import counted, shown_text

MANIFEST_FILE = "manifest.json"
_NPY_START = b"\x93NUMPY"
_REMAKE = "make it anew with 'edgesr export'"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: its directory and manifest."""

    root: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """Name of its folder, also where that was given as "."."""
        return self.root.resolve().name

    def path(self, entry: FileEntry) -> Path:
        """Absolute path of a file of the bundle, its size and hash checked again just before use."""
        return _verified_path(self.root, entry)

    def artifact(self, artifact_id: str) -> Artifact:
        """The artifact of that id; an unknown one is an InputError that lists the known ones."""
        found = [a for a in self.manifest.artifacts if a.id == artifact_id]
        if not found:
            known = ", ".join(a.id for a in self.manifest.artifacts)
            raise InputError(f"{self.root}: no artifact {artifact_id!r}; it has {known}")
        return found[0]

    def tensor(self, entry: FileEntry) -> NDArray[np.float32]:
        """A recorded tensor (.npy, float32); those of goldens in the shape that the golden's size gives them."""
        path = self.path(entry)
        try:
            with path.open("rb") as file:
                if file.read(len(_NPY_START)) != _NPY_START:
                    raise ValueError("no .npy file")
            values: NDArray[np.float32] = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, MemoryError) as error:
            raise InputError(f"{path}: not a tensor, or damaged: {shown_text(str(error))}; {_REMAKE}") from error
        shape = self._shape_of(entry)
        if values.dtype != np.float32 or shape not in (None, values.shape):
            found = f"{values.dtype} of shape {values.shape}"
            raise InputError(f"{path}: holds {found}, the manifest needs float32 of {shape or 'any shape'}; {_REMAKE}")
        if not np.isfinite(values).all():
            raise InputError(f"{path}: holds NaN or infinities; {_REMAKE}")
        return values

    def _shape_of(self, entry: FileEntry) -> tuple[int, ...] | None:
        """What a golden's size says; None for other tensors."""
        for golden in self.manifest.goldens:
            height, width = golden.size
            if entry is golden.input:
                return (3, height, width)
            if any(entry is one for one in (golden.output, golden.residual, golden.zero_padded_residual)):
                return (3, height * self.manifest.scale, width * self.manifest.scale)
        return None


def open_bundle(path: str | Path) -> Bundle:
    """Read the manifest and verify every file: schema version, paths inside the bundle, sizes and hashes."""
    root = Path(path)
    if not root.exists():
        recover(root)
    manifest = _read_manifest(root)
    for entry in manifest.files():
        _verified_path(root, entry)
    return Bundle(root, manifest)


def is_bundle(path: Path) -> bool:
    """Whether a directory holds a manifest."""
    return (path / MANIFEST_FILE).is_file()


def _read_manifest(root: Path) -> Manifest:
    file = root / MANIFEST_FILE
    if not root.exists():
        raise InputError(f"{root}: no such bundle; make one with 'edgesr export --output {root}'")
    if not file.is_file():
        raise InputError(f"{root}: not a bundle, it has no {MANIFEST_FILE}; make one with 'edgesr export'")
    data = read_json(file, remake=_REMAKE)
    version = require_version(file, data, oldest=OLDEST_SCHEMA_VERSION, newest=SCHEMA_VERSION, remake=_REMAKE)
    try:
        manifest = decode(Manifest, in_newest_form(data, version))
        require_sound(manifest)
        return manifest
    except DecodeError as error:
        raise InputError(f"{file}: damaged manifest: {error}; {_REMAKE}") from error


def _verified_path(root: Path, entry: FileEntry) -> Path:
    relative = PurePosixPath(entry.path)
    path = root / relative
    try:
        inside = path.resolve().is_relative_to(root.resolve()) and ".." not in relative.parts
        exists = path.is_file()
    except (OSError, ValueError) as error:
        raise InputError(f"{root}: the manifest names an impossible path {entry.path!r}: {error}") from error
    if relative.is_absolute() or not inside:
        raise InputError(f"{root}: refused, the manifest names a path outside the bundle: {entry.path!r}")
    if not exists:
        raise InputError(f"{root}: the file {entry.path} is missing; export the bundle again")
    if path.stat().st_size != entry.size_bytes:
        raise InputError(
            f"{root}: {entry.path} has {counted(path.stat().st_size, 'byte')} instead of {entry.size_bytes:,}; "
            "export it again"
        )
    if sha256_of(path) != entry.sha256:
        raise InputError(
            f"{root}: {entry.path} was changed, its SHA-256 is not the manifest's; export the bundle again"
        )
    return path

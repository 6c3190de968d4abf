"""Open and verify a bundle: a directory of artifacts, goldens and manifest.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.bundle.contract import channels_of
from edgesr.runtimes.bundle.manifest import OLDEST_SCHEMA_VERSION, SCHEMA_VERSION, Artifact, FileEntry, Manifest
from edgesr.runtimes.bundle.older_manifests import in_newest_form
from edgesr.runtimes.bundle.sound_manifest import require_sound
from edgesr.runtimes.bundle.verification import Verifier
from edgesr.runtimes.directory_swap import recover
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.json_file import read_json, require_version
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.runtimes.wording import shown_text

MANIFEST_FILE = "manifest.json"
_NPY_START = b"\x93NUMPY"
_REMAKE = "make it anew with 'edgesr export'"


@dataclass(frozen=True)
class Bundle:
    """A bundle: its folder and manifest. It gives out a file only after it has verified it."""

    root: Path
    manifest: Manifest
    manifest_sha256: str | None = field(default=None, compare=False)
    """Of the file that ``manifest`` was read from, None where it was not."""

    @property
    def name(self) -> str:
        """Name of its folder, also where that was given as "."."""
        return self.root.resolve().name

    def path(self, entry: FileEntry) -> Path:
        """Path of a file of the bundle, whose size and hash hold."""
        return self._verifier.path(entry)

    def holds(self, path: Path) -> bool:
        """Whether a path is the bundle's folder or leads into it."""
        inside, root = path.resolve(), self.root.resolve()
        return root in (inside, *inside.parents)

    def model_path(self, artifact: Artifact) -> Path:
        """Path of the file of an artifact that is opened; the size and hash of all its files hold."""
        opened, *_ = [self.path(entry) for entry in artifact.files]
        return opened

    @cached_property
    def _verifier(self) -> Verifier:
        return Verifier(self.root)

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
        """The shape that a golden's size implies; None for other tensors."""
        channels = channels_of(self.manifest.colour)
        for golden in self.manifest.goldens:
            height, width = golden.size
            if entry is golden.input:
                return (channels, height, width)
            if any(entry is one for one in (golden.output, golden.residual, golden.zero_padded_residual)):
                return (channels, height * self.manifest.scale, width * self.manifest.scale)
        return None


def open_bundle(path: str | Path, *, verify: Literal["all", "used"] = "all") -> Bundle:
    """Open a bundle: read the manifest and verify every file, that is its schema version, path, size and hash.

    With ``verify`` "used" each file is verified just before it is used, as in a process that was given a few of them.
    """
    root = Path(path)
    if not root.exists():
        recover(root)
    manifest = _read_manifest(root)
    bundle = Bundle(root, manifest, sha256_of(root / MANIFEST_FILE))
    if verify == "all":
        for entry in bundle.manifest.files():
            bundle.path(entry)
    return bundle


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

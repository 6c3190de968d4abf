"""Files of a bundle as its manifest has them: inside its folder, of their size and SHA-256."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from edgesr.runtimes.bundle.manifest import FileEntry
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.wording import counted

Stamp = tuple[int, ...]


@dataclass
class Verifier:
    """Verifies files below ``root``. Each is read for its hash once, and again when it was changed in between."""

    root: Path
    _verified: dict[FileEntry, Stamp] = field(default_factory=dict)

    def path(self, entry: FileEntry) -> Path:
        """Path of a file that is as its entry says; raises an InputError that names it for any other."""
        path = self._inside(entry)
        stamp = _stamp(path)
        if self._verified.get(entry) != stamp:
            self._check(entry, path)
            self._verified[entry] = stamp
        return path

    def _inside(self, entry: FileEntry) -> Path:
        relative = PurePosixPath(entry.path)
        path = self.root / relative
        try:
            inside = path.resolve().is_relative_to(self.root.resolve()) and ".." not in relative.parts
            exists = path.is_file()
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(f"{self.root}: the manifest names an impossible path {entry.path!r}: {error}") from error
        if not entry.path:
            raise InputError(f"{self.root}: the manifest names a file without a name; export the bundle again")
        if relative.is_absolute() or not inside:
            raise InputError(f"{self.root}: refused, the manifest names a path outside the bundle: {entry.path!r}")
        if not exists:
            raise InputError(f"{self.root}: the file {entry.path} is missing; export the bundle again")
        return path

    def _check(self, entry: FileEntry, path: Path) -> None:
        size = path.stat().st_size
        if size != entry.size_bytes:
            raise InputError(
                f"{self.root}: {entry.path} has {counted(size, 'byte')} instead of {entry.size_bytes:,}; "
                "export it again"
            )
        if sha256_of(path) != entry.sha256:
            raise InputError(
                f"{self.root}: {entry.path} was changed, its SHA-256 is not the manifest's; export the bundle again"
            )


def _stamp(path: Path) -> Stamp:
    """Another one after any change: the time of a change of status cannot be set."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

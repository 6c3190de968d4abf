"""Small helpers on files that several layers share."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgesr.runtimes.errors import InputError

_DASH = Path("-")
_STANDARD_OUTPUT = 1  # its file descriptor


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def why_irregular(path: Path) -> str | None:
    """The reason why a path is no regular file, None if it is one: reading a pipe or a device may never end."""
    if path.is_file():
        return None
    if path.is_dir():
        return "is a directory, not a file"
    return "is a pipe or a device, not a regular file" if path.exists() else "no such file"


def require_creatable(folder: Path) -> None:
    """Refuse a folder that can neither be used nor be created, without creating it."""
    existing = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    if not existing.is_dir():
        raise InputError(f"{folder}: cannot be created, {existing} is a file")
    if not os.access(existing, os.W_OK):
        raise InputError(f"{folder}: cannot be written, {existing} is not writable")


def is_text(path: Path) -> bool:
    """Whether a path is UTF-8: libraries in C++ open no others."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def is_standard_output(path: Path) -> bool:
    """Whether a path is ``-``, or leads to where this process's standard output goes, such as /dev/stdout."""
    try:
        return path == _DASH or os.path.samestat(path.stat(), os.fstat(_STANDARD_OUTPUT))
    except OSError:
        return False


def is_stream(path: Path) -> bool:
    """Whether bytes go into a path as they come: standard output, a pipe, a terminal or another character device."""
    return is_standard_output(path) or path.is_fifo() or path.is_char_device()


@contextmanager
def replaced_atomically(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` to write, renamed into its place at the end: whole or not at all.

    A link is written through. When the body raises, the old file stays and the temporary one goes; an OSError becomes
    an InputError, and so does a pipe, a device or a folder in that place.
    """
    try:
        target = _regular_place(path)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def move_into_place(whole: Path, path: Path) -> None:
    """Rename a file of the same file system, as `replaced_atomically` does at its end."""
    try:
        whole.replace(_regular_place(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _regular_place(path: Path) -> Path:
    """The file or folder that a path leads to through all links; raises InputError if no regular file can be there."""
    target = Path(os.path.realpath(path))
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise InputError(f"{path}: cannot be written: is not a regular file")
    return target


def write_atomically(path: Path, content: bytes) -> None:
    """Write next to the place and rename into it: the file appears whole or not at all."""
    with replaced_atomically(path) as temporary:
        temporary.write_bytes(content)


def write_output(path: Path, content: bytes) -> None:
    """Write a file as `write_atomically` does, or into a stream (`is_stream`); ``-`` is standard output.

    Raises a BrokenPipeError where nobody reads the stream any more.
    """
    if not is_stream(path):
        write_atomically(path, content)
        return
    try:
        with os.fdopen(os.dup(_STANDARD_OUTPUT), "wb") if is_standard_output(path) else path.open("wb") as stream:
            stream.write(content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

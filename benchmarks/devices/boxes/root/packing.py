"""Folders as .tar.gz for a box: the same bytes for the same files, regular files and links that stay inside alone."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from edgesr.runtimes.errors import InputError

_TIME = 315532800  # 1 January 1980: some programs complain of older files
_LAYER_LEVEL = 6
_JOB_LEVEL = 1


def pack_tree(tree: Path, archive: Path) -> None:
    """Pack a folder; links that lead into the tree by an absolute path become relative, others are refused.

    No hard links: Android forbids them.
    """
    with archive.open("wb") as raw, gzip.GzipFile("", "wb", _LAYER_LEVEL, raw, mtime=0) as packed:
        _write(packed, _entries(tree))


def packed(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Files by name as a .tar.gz that is quickly made."""
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", _JOB_LEVEL, buffer, mtime=0) as target:
        _write(target, ((_entry(name, size=len(content)), content) for name, content in files))
    return buffer.getvalue()


def _write(target: gzip.GzipFile, entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> None:
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as opened:
        for entry, content in entries:
            opened.addfile(entry, io.BytesIO(content))


def _entries(tree: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for file in sorted(tree.rglob("*")):
        name = file.relative_to(tree).as_posix()
        if file.is_symlink():
            entry = _entry(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, _inner_target(file, tree)
            yield entry, b""
        elif file.is_file():
            content = file.read_bytes()
            yield _entry(name, size=len(content), executable=os.access(file, os.X_OK)), content


def _entry(name: str, *, size: int = 0, executable: bool = False) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, _TIME, 0o755 if executable else 0o644
    return entry


def _inner_target(link: Path, tree: Path) -> str:
    """The target of a link, as a path relative to the link."""
    target = link.readlink()
    absolute = tree / str(target).lstrip("/") if target.is_absolute() else link.parent / target
    inside = os.path.normpath(absolute)
    if not Path(inside).is_relative_to(tree):
        raise InputError(f"{link}: leads out of the root, to {target}; report this as an error of edgesr")
    return os.path.relpath(inside, link.parent)

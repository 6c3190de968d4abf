"""Files that may hold weights, before anything of them is read."""

from __future__ import annotations

from pathlib import Path

from edgesr.runtimes.errors import InputError

_START_BYTES = 64
_NO_WEIGHTS = {
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself: run 'git lfs pull'",
    b"<!doctype": "a web page, not the file itself: download the raw file",
    b"<html": "a web page, not the file itself: download the raw file",
}
"""What downloads often leave in place of a file, by how it starts."""


def require_file(path: Path) -> None:
    """Raise an InputError unless the path is a file with something in it."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if not path.is_file():
        raise InputError(f"{path}: not a file")
    with path.open("rb") as file:
        start = file.read(_START_BYTES).lstrip().lower()
    if not start:
        raise InputError(f"{path}: the file is empty; copy it again from where it came")
    if found := next((advice for text, advice in _NO_WEIGHTS.items() if start.startswith(text)), None):
        raise InputError(f"{path}: {found}")


def is_safetensors(path: Path) -> bool:
    """Whether a file is meant as safetensors: by its suffix, or by its layout (8 bytes of header length, then JSON)."""
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:9] == b"{"

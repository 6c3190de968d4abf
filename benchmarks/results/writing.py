"""Result files as they are written: refused before anything is measured, or whole."""

from __future__ import annotations

import os
from pathlib import Path

from edgesr.runtimes.bundle.opening import MANIFEST_FILE, is_bundle, open_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import is_stream, write_output
from edgesr.runtimes.json_records import to_json


def require_writable(path: Path | None, *inputs: Path | None) -> None:
    """Refuse a file that could not be written, or is one of the ``inputs`` (files, or bundles with all their files),
    before anything is measured.
    """
    if path is None or is_stream(path):
        return
    target = Path(os.path.realpath(path))
    irregular = target.exists() and not target.is_file()
    if irregular or not target.parent.is_dir() or not os.access(target.parent, os.W_OK):
        raise InputError(f"{path}: cannot be written; its folder must exist and be writable")
    if path.exists() and any(path.samefile(file) for one in inputs if one is not None for file in _files(one)):
        raise InputError(f"{path}: is read by this command, and would be replaced; give another name to write to")


def _files(given: Path) -> list[Path]:
    """A file itself, or the files of a bundle."""
    if not is_bundle(given):
        return [given] if given.is_file() else []
    return [
        given / MANIFEST_FILE,
        *(given / entry.path for entry in open_bundle(given, verify="used").manifest.files()),
    ]


def write_json(results: object, path: Path | None) -> None:
    """Write the dataclass of a results file as JSON, whole or not at all, or into a stream; nothing without a path."""
    if path is not None:
        write_output(path, to_json(results).encode())

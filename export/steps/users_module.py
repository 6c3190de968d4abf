"""A user's network -> the archive that all later stages read, made in a process that alone runs the user's code."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np

from edgesr.export.records import REMAKE
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.json_file import read_record
from edgesr.sr_model.generators.foreign.archive import ERROR, NOTES, SUFFIX, Notes

FILE = f"generator{SUFFIX}"
_CHILD = "edgesr.sr_model.generators.foreign.child"
_PHOTOGRAPH, _SIDE = "cat", 160


def build(
    folder: Path,
    file: Path,
    function: str,
    checkpoint: Path | None,
    sources: dict[str, str],  # noqa: ARG001
    *,
    peak: int,
    multiple: int | None,
) -> None:
    """Write the archive and the notes. ``sources``: what the user's file may import, which counts."""
    from edgesr.export.calibration.photographs import photograph

    np.save(folder / "photograph.npy", photograph(_PHOTOGRAPH, (_SIDE, _SIDE)))
    request = {
        "file": str(file.resolve()),
        "function": function,
        "checkpoint": None if checkpoint is None else str(checkpoint.resolve()),
        "name": f"{file.name}:{function}",
        "peak": peak,
        "multiple": multiple,
        "photograph": str(folder / "photograph.npy"),
    }
    (folder / "request.json").write_text(json.dumps(request))
    try:
        run_converter(
            _CHILD,
            [str(folder / "request.json"), str(folder / FILE)],
            folder=folder,
            result=folder / FILE,
            what=f"{file}:{function}",
        )
    finally:
        if (folder / ERROR).is_file():
            raise InputError((folder / ERROR).read_text())


def python_files(file: Path) -> dict[str, str]:
    """SHA-256 of what a user's file may import: the modules next to it, and packages there with all that is in them."""
    packages = [entry.parent for entry in file.parent.glob("*/__init__.py")]
    modules = [*file.parent.glob("*.py"), *(module for package in packages for module in package.rglob("*.py"))]
    found: dict[str, str] = {}
    for module in sorted(modules):
        with suppress(OSError):  # one that is gone meanwhile, or that nobody may read
            found[module.relative_to(file.parent).as_posix()] = sha256_of(module)
    return found


def read_notes(folder: Path) -> list[str]:
    """What was found on the way, in words."""
    return list(read_record(Notes, folder / NOTES, remake=REMAKE).notes)

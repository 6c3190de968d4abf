"""A user's network -> the archive that all later stages read, made in a process that alone runs the user's code.

An ONNX file is read there too: one that is damaged costs this process.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgesr.export.records import REMAKE
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.progress import Progress, notice
from edgesr.sr_model.generators.foreign.archive import ERROR, NOTES, SUFFIX, Notes
from edgesr.sr_model.generators.foreign.request import Request

FILE = f"generator{SUFFIX}"
_CHILD = "edgesr.sr_model.generators.foreign.child"
_PHOTOGRAPH, _SIDE = "cat", 160


@dataclass(frozen=True, kw_only=True)
class Stated:
    """Properties of a network that the user states; edgesr finds those that are None."""

    peak: int | None
    multiple: int | None
    colour: Colour | None = None


def build(
    folder: Path,
    file: Path,
    function: str,
    checkpoint: Path | None,
    sources: dict[str, str],  # noqa: ARG001
    stated: Stated,
) -> None:
    """Write the archive and the notes. ``sources``: what the user's file may import, which counts."""
    request = Request(
        file=str(file.absolute()),
        function=function,
        checkpoint=None if checkpoint is None else str(checkpoint.absolute()),
        name=f"{file.name}:{function}",
        peak=stated.peak,
        multiple=stated.multiple,
        colour=stated.colour,
        photograph="",
    )
    _run(folder, request, what=f"{file}:{function}")


def recognise(folder: Path, checkpoint: Path) -> None:
    """Write the archive and the notes of a checkpoint whose architecture spandrel recognises; it speaks [0,1]."""
    request = Request(
        file=None,
        function="",
        checkpoint=str(checkpoint.absolute()),
        name=checkpoint.name,
        peak=1,
        multiple=None,
        photograph="",
    )
    _run(folder, request, what=str(checkpoint))


def wrap(folder: Path, file: Path, name: str, weights: dict[str, str], stated: Stated) -> None:
    """The same for an ONNX file called ``name``. ``weights``: the files next to it that may hold its weights."""
    request = Request(
        file=str(file.absolute()),
        function="",
        checkpoint=None,
        name=name,
        peak=stated.peak,
        multiple=stated.multiple,
        colour=stated.colour,
        photograph="",
        kind="onnx",
        data_files=tuple(weights),
    )
    _run(folder, request, what=str(file))


def probing_photograph() -> Image:
    """The photograph (3,h,w) in [0,255] that a network is run on to find what it is."""
    from edgesr.export.calibration.photographs import photograph

    return photograph(_PHOTOGRAPH, (_SIDE, _SIDE))


def _run(folder: Path, request: Request, *, what: str) -> None:
    """The process starts in an empty folder, which is deleted with what the user's code writes there."""
    with tempfile.TemporaryDirectory(prefix="edgesr-module-") as name:
        here = Path(name)
        photograph = here / "photograph.npy"
        np.save(photograph, probing_photograph())
        (here / "request.json").write_text(to_json(replace(request, photograph=str(photograph))))
        archive = folder.absolute() / FILE
        (here / "work").mkdir()
        try:
            run_converter(
                _CHILD,
                [str(here / "request.json"), str(archive)],
                folder=here / "work",
                result=archive,
                what=f"{what}: its process ended",
            )
        except EdgesrError:
            with suppress(FileNotFoundError):
                raise InputError((folder / ERROR).read_text()) from None
            raise


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
    """Notes on the findings along the way, in words."""
    return list(read_record(Notes, folder / NOTES, remake=REMAKE).notes)


def tell_notes(folder: Path, progress: Progress) -> None:
    """Tell what was found on the way."""
    for note in read_notes(folder):
        notice(progress, note)

"""The archive of a user's generator, read without torch."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.sr_model.generators.foreign.contract import Contract

SUFFIX = ".edgesr-program"
NOTES, ERROR = "notes.json", "error.txt"
"""Next to an archive: what was found on the way, or why there is none."""
CONTRACT, PROGRAM, TRACE, WHY_NO_TRACE = "contract.json", "program.pt2", "trace.ts", "why_no_trace.txt"
MODEL = "model.onnx"
"""In place of the program, where an ONNX file is the generator: LR in [0,255] -> the picture before the clip."""


@dataclass(frozen=True)
class Notes:
    """Notes on the findings on the way to a user's network, in words."""

    notes: tuple[str, ...]


def is_archive(path: Path) -> bool:
    """Whether a file is one that edgesr made of a user's generator."""
    return path.suffix == SUFFIX


def read_contract(path: Path) -> Contract:
    """The contract in an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return decode(Contract, parse_json(archive.read(CONTRACT)))
    except (zipfile.BadZipFile, KeyError, JsonError, DecodeError) as error:
        raise InputError(f"{path}: damaged: {error}; export again") from error


def read_why_no_trace(path: Path) -> str | None:
    """The reason why an archive has no TorchScript; None if it has one."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(WHY_NO_TRACE).decode() if WHY_NO_TRACE in archive.namelist() else None

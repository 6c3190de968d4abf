"""Files of a kind of our own, read: of that kind, of a schema version that edgesr knows, and whole."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from edgesr.benchmarks.results.header import ResultFile
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_file import read_json, require_version
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.runtimes.wording import shown_value

F = TypeVar("F", bound=ResultFile)


def read_of_kind(cls: type[F], path: Path, *, remake: str) -> F:
    """The content of a file; raises an InputError that ends with ``remake`` for anything else."""
    data = read_json(path, remake=remake)
    if data.get("kind") != cls.KIND:
        raise InputError(f"{path}: is of kind {shown_value(data.get('kind'))}, not {cls.KIND!r}; {remake}")
    require_version(path, data, oldest=cls.OLDEST_VERSION, newest=cls.VERSION, remake=remake)
    try:
        return decode(cls, data)
    except DecodeError as error:
        raise InputError(f"{path}: is damaged: {error}; {remake}") from error

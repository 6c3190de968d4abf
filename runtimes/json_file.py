"""JSON that edgesr reads: UTF-8, of bounded size and depth, all numbers finite. Faults are told in one line."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import why_irregular
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.runtimes.wording import shown_name, shown_value

T = TypeVar("T")

MAX_BYTES = 256 * 2**20
MAX_DEPTH = 64
_MAX_DIGITS = 308  # any such number fits in a float
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BRACKET = re.compile(r"[\[\]{}]")


class JsonError(ValueError):
    """The text is not JSON as edgesr writes it; the message says why."""


def parse_json(content: bytes | str, *, file_names: bool = False) -> Any:
    """The value of a JSON text.

    Raises a JsonError for what is no JSON or no UTF-8, for NaN, infinities and numbers too large for a float, for a
    name that an object has twice, and for more than 64 levels. ``file_names`` may hold what stands for bytes that are
    no UTF-8, as Python writes such names.
    """
    try:
        text = content.decode() if isinstance(content, bytes) else content
        _check_depth(text)
        value = json.loads(
            text,
            parse_constant=_refuse,
            parse_float=_finite_float,
            parse_int=_bounded_integer,
            object_pairs_hook=_object,
        )
        if not file_names and _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeError as error:
        raise JsonError(f"is not UTF-8: {error.reason if isinstance(error, UnicodeDecodeError) else error}") from error
    except json.JSONDecodeError as error:
        raise JsonError(f"is not JSON: {error}") from error


def read_json(path: Path, *, remake: str, file_names: bool = False) -> dict[str, Any]:
    """The object in a JSON file; raises an InputError that names the file, and ends with what to do: ``remake``.

    ``file_names``: as in `parse_json`.
    """
    try:
        if why := why_irregular(path):
            raise InputError(f"{path}: {why}; {remake}")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: has {path.stat().st_size} bytes, more than {MAX_BYTES}; {remake}")
        value = parse_json(path.read_bytes(), file_names=file_names)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; {remake}") from error
    except JsonError as error:
        raise InputError(f"{path}: {error}; {remake}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: holds no JSON object but a {type(value).__name__}; {remake}")
    return value


def read_record(cls: type[T], path: Path, *, remake: str, file_names: bool = False) -> T:
    """The dataclass that a JSON file holds, read as by `read_json`."""
    data = read_json(path, remake=remake, file_names=file_names)
    try:
        return decode(cls, data)
    except DecodeError as error:
        raise InputError(f"{path}: is damaged: {error}; {remake}") from error


def require_version(path: Path, data: dict[str, Any], *, oldest: int, newest: int, remake: str) -> int:
    """The file's schema version; raises an InputError for one that this edgesr does not read."""
    version = data.get("schema_version")
    if isinstance(version, int) and not isinstance(version, bool) and version > newest:
        raise InputError(
            f"{path}: schema version {shown_value(version)} is of a newer edgesr, this one reads up to {newest}: "
            "update edgesr"
        )
    if not isinstance(version, int) or isinstance(version, bool) or version < oldest:
        raise InputError(
            f"{path}: schema version {shown_value(version)} is not supported, this edgesr reads {oldest} to {newest}; "
            f"{remake}"
        )
    return version


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise JsonError(f"is nested more than {MAX_DEPTH} levels deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonError(f"holds {shown_name(twice)} twice in one object")
    return value


def _refuse(name: str) -> NoReturn:
    raise JsonError(f"holds {name}, which is not JSON")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise JsonError(f"holds the number {text[:40]}, which is too large")
    return value


def _bounded_integer(text: str) -> int:
    if len(text.lstrip("-")) > _MAX_DIGITS:
        raise JsonError(f"holds a whole number of {len(text)} digits, which is too large")
    return int(text)

"""The header of a safetensors file, read without torch and without its tensors; all that it claims fits the file.

Eight bytes of length, JSON, then the tensors one after another without gaps (github.com/huggingface/safetensors).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.wording import shown_name

MAX_HEADER_BYTES = 1 << 20
_LENGTH_BYTES = 8
_MAX_AXES = 8
_MAX_SIZE = 1 << 48
_METADATA = "__metadata__"
_FIELDS = {"dtype", "shape", "data_offsets"}
_DTYPE_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip


@dataclass(frozen=True)
class TensorEntry:
    """Type (as safetensors names it), shape, and the place of its bytes behind the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Layout:
    """All tensors of a file by name, and its metadata."""

    entries: dict[str, TensorEntry]
    metadata: dict[str, str]


def read_layout(path: Path) -> Layout:
    """The header of a file; raises an InputError for one that is damaged or claims what the file does not hold."""
    try:
        text, data_bytes = _read_text(path)
        header = parse_json(text)
        if not isinstance(header, dict):
            raise JsonError("is no mapping")
        metadata = _metadata(header.pop(_METADATA, {}))
        entries = {name: _entry(name, value) for name, value in header.items()}
        _require_packed(entries, data_bytes)
    except JsonError as error:
        raise InputError(
            f"{path}: damaged safetensors file: its header {error}; copy it again from where it came"
        ) from error
    return Layout(entries, metadata)


def _read_text(path: Path) -> tuple[bytes, int]:
    """The header's JSON, and how many bytes follow it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if size < _LENGTH_BYTES or not 0 < length <= size - _LENGTH_BYTES:
            raise JsonError(f"has {length} bytes by its own account, the file has {size}")
        if length > MAX_HEADER_BYTES:
            raise JsonError(f"has {length} bytes, more than {MAX_HEADER_BYTES}")
        return file.read(length), size - _LENGTH_BYTES - length


def _metadata(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise JsonError(f"holds a {_METADATA} that is no mapping of texts")
    return value


def _entry(name: str, value: object) -> TensorEntry:
    shown = shown_name(name)
    if not isinstance(value, dict) or value.keys() != _FIELDS:
        raise JsonError(f"holds {shown}, which is no object of dtype, shape and data_offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPE_BYTES:
        raise JsonError(f"holds {shown} of the unknown dtype {shown_name(dtype)}")
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise JsonError(f"holds {shown} whose shape or offsets are no lists of up to 8 whole numbers from 0 on")
    size, (begin, end) = math.prod(shape) * _DTYPE_BYTES[dtype], offsets
    if end - begin != size:
        raise JsonError(f"gives {shown} {shown_name(end - begin)} bytes, its shape needs {shown_name(size)}")
    return TensorEntry(dtype, tuple(shape), begin, end)


def _are_sizes(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _MAX_AXES and all(map(_is_size, value))


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_SIZE


def _require_packed(entries: dict[str, TensorEntry], data_bytes: int) -> None:
    """Tensors follow one another from the first byte behind the header to the file's last."""
    for name, entry in entries.items():
        if entry.end > data_bytes:
            raise JsonError(
                f"places {shown_name(name)} up to byte {entry.end}, there are {data_bytes}: the file is cut"
            )
    position = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != position:
            raise JsonError(f"places {shown_name(name)} at byte {entry.begin}, the tensors before it end at {position}")
        position = entry.end
    if position != data_bytes:
        raise JsonError(f"places all tensors in {position} bytes, there are {data_bytes}")

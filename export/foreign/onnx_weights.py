"""The files next to an ONNX file that hold its weights, found without opening it as one."""

from __future__ import annotations

import hashlib
import mmap
import re
from pathlib import Path

from edgesr.runtimes.files import sha256_of

_LOCATION = re.compile(rb"\x0a\x08location\x12")
"""An entry of a tensor's external data as protocol buffers write it; the length and the name of a file follow."""
_LONGEST_NAME = 4096
_BLOCK_BYTES = 2**20


def weights_next_to(file: Path) -> dict[str, str]:
    """SHA-256 of each file that an ONNX file names as holding weights, and that is there, in its folder or below it.

    Names are read from its bytes: whatever opens it as a model runs in a process of its own.
    """
    return {name: sha256_of(file.parent / name) for name in sorted(_named(file)) if _is_beside(file, name)}


def _is_beside(file: Path, name: str) -> bool:
    """Whether it is a file that may be read; what is not is told where the model is opened."""
    try:
        place = (file.parent / name).resolve()
        return place.is_relative_to(file.parent.resolve()) and place.is_file()
    except (OSError, ValueError):
        return False


def sha256_with_weights(file: Path) -> str:
    """SHA-256 (hex) of an ONNX file; where its weights lie in other files, of it followed by those, by name."""
    names = sorted(weights_next_to(file))
    if not names:
        return sha256_of(file)
    digest = hashlib.sha256(file.read_bytes())
    for name in names:
        with (file.parent / name).open("rb") as opened:
            while block := opened.read(_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def _named(file: Path) -> set[str]:
    if file.stat().st_size == 0:
        return set()
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return {name for match in _LOCATION.finditer(content) if (name := _text(content, match.end()))}


def _text(content: mmap.mmap, place: int) -> str:
    """A text of a protocol buffer: its length, seven bits a byte with the lowest first, then its bytes."""
    length, shift = 0, 0
    while place < len(content) and shift <= 14:
        byte = content[place]
        length, shift, place = length | (byte & 0x7F) << shift, shift + 7, place + 1
        if byte < 0x80:
            break
    return content[place : place + min(length, _LONGEST_NAME)].decode(errors="replace")

"""Messages between Python and the page: a JSON object, and bytes after it.

The first four bytes are the length of the JSON, little-endian. src/device.ts of the web app does the same.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

from edgesr.runtimes.json_file import JsonError, parse_json

LARGEST_MESSAGE_BYTES = 512 * 2**20
_LARGEST_HEAD_BYTES = 2**16
_LENGTH = struct.Struct("<I")


def packed(head: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """A message as bytes."""
    text = json.dumps(head, allow_nan=False).encode()
    return _LENGTH.pack(len(text)) + text + payload


def unpacked(message: bytes) -> tuple[dict[str, Any], bytes]:
    """The object and the bytes after it; raises a JsonError for what is no message."""
    if len(message) < _LENGTH.size:
        raise JsonError("is shorter than the length of its head")
    (length,) = _LENGTH.unpack_from(message)
    end = _LENGTH.size + length
    if length > _LARGEST_HEAD_BYTES or end > len(message):
        raise JsonError(f"has a head of {length} bytes, which is too long")
    head = parse_json(message[_LENGTH.size : end])
    if not isinstance(head, dict):
        raise JsonError("has a head that is no object")
    return head, message[end:]

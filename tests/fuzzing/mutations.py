"""Mutations of files that keep enough of their form to get past the first check."""

from __future__ import annotations

import copy
import json
import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

Mutate = Callable[[bytes, random.Random], bytes]

_NUMBERS = (0, 1, -1, 2, 3, 7, 255, 2**15, 2**31 - 1, 2**31, 2**32, 2**63, 10**300, 0.5, -0.0, 1e-320, 1e308, -1e308)
_TEXTS = ("", ".", "..", "../../x", "/etc/passwd", "\0", "\n", "x" * 300, "fp32", "tflite", "é", "\ud800", "nan")
_ODD: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], {"": None}, *_NUMBERS, *_TEXTS)
_WORDS = (0, 1, 2, 4, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def mutate_bytes(content: bytes, choice: random.Random) -> bytes:
    """Some bytes or 32-bit words changed, cut out, repeated or inserted."""
    changed = bytearray(content)
    for _ in range(choice.choice((1, 1, 2, 4, 16))):
        place = choice.randrange(len(changed) + 1)
        length = choice.choice((1, 2, 4, 8, 64))
        kind = choice.randrange(6)
        if kind == 0:
            changed[place : place + 1] = bytes([choice.randrange(256)])
        elif kind == 1:
            place -= place % 4
            changed[place : place + 4] = struct.pack("<I", choice.choice(_WORDS))
        elif kind == 2 and len(changed) >= 4:
            place = min(place - place % 4, len(changed) - 4)
            (word,) = struct.unpack_from("<I", changed, place)
            struct.pack_into("<I", changed, place, (word + choice.choice((-4, -1, 1, 4, 256))) % 2**32)
        elif kind == 3:
            del changed[place : place + length]
        elif kind == 4:
            changed[place:place] = changed[place : place + length]
        else:
            changed[place:place] = choice.randbytes(length)
    return bytes(changed[: choice.randrange(len(changed) + 1)] if choice.random() < 0.05 else changed)


def mutate_json(content: bytes, choice: random.Random) -> bytes:
    """Some values of a JSON document changed, removed, repeated, nested or exchanged; now and then some bytes."""
    if choice.random() < 0.15:
        return mutate_bytes(content, choice)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return mutate_bytes(content, choice)
    return _text(mutate_value(document, choice)).encode(errors="replace")


def mutate_value(document: Any, choice: random.Random) -> Any:
    """A parsed JSON document, some of its values changed."""
    document = copy.deepcopy(document)
    for _ in range(choice.choice((1, 1, 1, 2, 3))):
        places = list(_places(document))
        if not places:
            return choice.choice(_ODD)
        parent, key = choice.choice(places)
        _mutate_place(parent, key, choice, places)
    return document


def mutate_safetensors(content: bytes, choice: random.Random) -> bytes:
    """The header of a safetensors file changed as JSON, also that in its metadata; or lengths and bytes."""
    length = int.from_bytes(content[:8], "little")
    header, data = content[8 : 8 + length], content[8 + length :]
    kind = choice.random()
    if kind < 0.2:
        return mutate_bytes(content, choice)
    if kind < 0.3:
        return choice.choice(_WORDS).to_bytes(8, "little") + content[8:]
    header = _mutate_metadata(header, choice) if kind < 0.6 else mutate_json(header, choice)
    return len(header).to_bytes(8, "little") + header + data


def _mutate_metadata(header: bytes, choice: random.Random) -> bytes:
    try:
        parsed = json.loads(header)
        name = choice.choice(sorted(parsed["__metadata__"]))
        parsed["__metadata__"][name] = mutate_json(parsed["__metadata__"][name].encode(), choice).decode()
        return json.dumps(parsed).encode()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return mutate_json(header, choice)


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    if depth > 60:
        return
    keys: list[Any] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    for key in keys:
        yield value, key
        yield from _places(value[key], depth + 1)


def _mutate_place(parent: Any, key: Any, choice: random.Random, places: list[tuple[Any, Any]]) -> None:
    value = parent[key]
    kind = choice.randrange(7)
    if kind > 2 and choice.random() < 0.7 and (like := _alike(value, choice, places)) is not None:
        parent[key] = like
        return
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(value))
    elif kind == 1:
        parent[choice.choice(_TEXTS)] = parent.pop(key)
    elif kind == 2:
        other, place = choice.choice(places)
        if (isinstance(place, str) and place in other) or (isinstance(place, int) and place < len(other)):
            parent[key] = copy.deepcopy(other[place])
    elif kind == 3:
        parent[key] = _nested(value, choice.choice((1, 2, 70)))
    else:
        parent[key] = choice.choice(_ODD)


def _alike(value: Any, choice: random.Random, places: list[tuple[Any, Any]]) -> Any:
    """Another value of the same type; None where there is none."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return choice.choice((-value, value + 1, value - 1, value * 2, value // 3, value * 10**9, 0, 1))
    if isinstance(value, float):
        return choice.choice((-value, value + 1, value / 2, value * 10, value * 1e10, value / 1e10, 0.0, 1.0))
    others = [parent.get(key) if isinstance(parent, dict) else parent[key : key + 1] for parent, key in places]
    alike = [other for other in others if type(other) is type(value) and other != value]
    return copy.deepcopy(choice.choice(alike)) if alike else None


def _nested(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = [value]
    return value


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)

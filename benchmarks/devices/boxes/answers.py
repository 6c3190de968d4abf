"""The files that a box answers with, a tar that its own tar made. Nothing of it is believed: few kinds of entries,
names from a list of patterns, all sizes within what was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from edgesr.runtimes.errors import EdgesrError

_BLOCK = 512
_MOST_FILES = 4096
_NUMBER = re.compile(rb"[0-7]{1,12}")


class HostileAnswerError(EdgesrError):
    """The answer is none that edgesr's own script makes."""


def unpacked(answer: bytes, names: Sequence[re.Pattern[str]]) -> dict[str, bytes]:
    """Content by name of an answer; raises a HostileAnswerError for anything but regular files whose whole names
    match.
    """
    files: dict[str, bytes] = {}
    for name, content in _entries(answer):
        if not any(pattern.fullmatch(name) for pattern in names):
            raise HostileAnswerError(f"the box answers with a file that was not asked for, {name[:80]!r}")
        if name in files or len(files) == _MOST_FILES:
            raise HostileAnswerError(f"the box answers with too many files, or with {name[:80]!r} twice")
        files[name] = content
    return files


def _entries(answer: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of the entries of a POSIX tar (IEEE 1003.1, ustar); its end may lack blocks of zeros."""
    place = 0
    while place < len(answer) and answer[place : place + _BLOCK].strip(b"\0"):
        head = answer[place : place + _BLOCK]
        if len(head) < _BLOCK or head[257:262] != b"ustar" or _number(head[148:156]) != _checksum(head):
            raise HostileAnswerError("the box answers with something else than edgesr asked for")
        if head[156:157] not in (b"0", b"\0") or head[345:500].strip(b"\0"):
            raise HostileAnswerError("the box answers with something else than regular files")
        size = _number(head[124:136])
        start = place + _BLOCK
        if start + size > len(answer):
            raise HostileAnswerError("the box's answer is cut short")
        yield head[:100].partition(b"\0")[0].decode(errors="replace"), answer[start : start + size]
        place = start + -(-size // _BLOCK) * _BLOCK


def _number(field: bytes) -> int:
    """An octal number; -1 for anything else."""
    text = field.strip(b" \0")
    return int(text, 8) if _NUMBER.fullmatch(text) else -1


def _checksum(head: bytes) -> int:
    return sum(head[:148]) + sum(head[156:]) + 8 * ord(" ")

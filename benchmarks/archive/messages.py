"""Questions to a worker that stays, and its answers: one line of JSON each, followed by the bytes of a file if the line
says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Literal, TypeVar

from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.json_records import DecodeError, decode, to_json_line
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions

T = TypeVar("T")
_LONGEST_LINE = 1 << 16
_CHUNK = 1 << 20


class UnreadableMessageError(EdgesrError):
    """The other side sent something that is no message."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a worker, sent to it once. It ends itself when nothing comes for ``lease_seconds``; 0 means
    never.
    """

    bundle: str
    manifest_sha256: str | None
    options: UpscaleOptions
    files: FileOptions
    lease_seconds: int = 0


@dataclass(frozen=True, kw_only=True)
class Request:
    """A photograph: where it is and where its output is to be written. With ``size_bytes`` the photograph itself
    follows, and the two names are those of files in the worker's own folder.
    """

    source: str
    target: str
    size_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """ "ready": the settings can be used; "notice": a ``text`` for the user; "failed": why this photograph cannot be
    upscaled; "unable": why none can be; "done": what was written, which follows with ``size_bytes``.
    """

    kind: Literal["ready", "notice", "done", "failed", "unable"]
    text: str = ""
    width: int = 0
    height: int = 0
    artifact: str = ""
    runtime: str = ""
    size_bytes: int | None = None


def write_message(stream: IO[bytes], message: object) -> None:
    """Send a message."""
    stream.write(to_json_line(message).encode())
    stream.flush()


def read_message(stream: IO[bytes], kind: type[T]) -> T | None:
    """The next message, empty lines left out; None at the end. Raises an UnreadableMessageError for anything else."""
    while line := stream.readline(_LONGEST_LINE):
        if line.strip():
            try:
                return decode(kind, parse_json(line, file_names=True))
            except (JsonError, DecodeError) as error:
                raise UnreadableMessageError(f"no message of edgesr: {error}") from error
    return None


def copy_bytes(source: IO[bytes], target: IO[bytes], count: int, each: Callable[[], object] = lambda: None) -> None:
    """So many bytes from one stream to another, ``each`` after every megabyte; raises an UnreadableMessageError
    where it ends before.
    """
    left = count
    while left:
        chunk = source.read(min(left, _CHUNK))
        if not chunk:
            raise UnreadableMessageError(f"{left} of {count} bytes are missing")
        target.write(chunk)
        left -= len(chunk)
        each()
    target.flush()

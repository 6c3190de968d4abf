"""A client program such as ssh, run to its end: what it is given, and its answer in bounded bytes and time."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from edgesr.benchmarks.devices.running import watched
from edgesr.runtimes.errors import EdgesrError

_CHUNK = 1 << 16
_LARGEST_NOISE = 1 << 20
_LARGEST_ERRORS = 1 << 16


class NoAnswerError(EdgesrError):
    """The other side answered too much, or nothing in time."""


class LateError(NoAnswerError):
    """The answer did not come in time."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """``content`` is given to the program, or that of a file; ``stays_open``: it then sees no end until it has ended.
    The answer has at most ``limit_bytes``, and comes after at most so many ``seconds``.
    """

    content: bytes | Path = b""
    stays_open: bool = False
    limit_bytes: int = 1 << 20
    seconds: float = 60.0


@dataclass(frozen=True)
class Reply:
    """The end of a program: ``answer`` is None if the token never came; ``errors`` is the end of standard error."""

    returncode: int
    answer: bytes | None
    errors: str


def exchange(command: Sequence[str], *, token: str, terms: Terms) -> Reply:
    """Run a program to its end; its answer is what it prints after the line ``token``.

    Raises a NoAnswerError for too many bytes, a LateError after the time: then it is killed, as with any other
    exception.
    """
    with contextlib.ExitStack() as stack:
        content = stack.enter_context(_opened(terms.content))
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE if content is None else content,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        stack.callback(_end, process)
        stack.enter_context(watched(process))
        if process.stdin is not None and isinstance(terms.content, bytes):
            _give(process.stdin, terms.content, stays_open=terms.stays_open)
        answer, errors = _read(process, token, terms)
        return Reply(process.wait(), answer, errors.decode(errors="replace"))


def _opened(content: bytes | Path) -> contextlib.AbstractContextManager[IO[bytes] | None]:
    return content.open("rb") if isinstance(content, Path) else contextlib.nullcontext()


def _give(stream: IO[bytes], content: bytes, *, stays_open: bool) -> None:
    """Write in a thread: a program that does not read must not hold up this one."""

    def write() -> None:
        with contextlib.suppress(OSError, ValueError):
            stream.write(content)
            stream.flush()
        if not stays_open:
            with contextlib.suppress(OSError):
                stream.close()

    threading.Thread(target=write, daemon=True).start()


def _read(process: subprocess.Popen[bytes], token: str, terms: Terms) -> tuple[bytes | None, bytes]:
    """The answer and the end of standard error."""
    assert process.stdout is not None
    assert process.stderr is not None
    marker = f"\n{token}\n".encode()
    output, errors, begun = bytearray(b"\n"), b"", False
    deadline = time.monotonic() + terms.seconds
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.register(process.stderr, selectors.EVENT_READ)
        while selector.get_map():
            if (left := deadline - time.monotonic()) <= 0:
                raise LateError(f"no answer after {terms.seconds:g} s")
            for key, _ in selector.select(left):
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stderr:
                    errors = (errors + chunk)[-_LARGEST_ERRORS:]
                else:
                    begun = _add(output, chunk, marker, begun, terms.limit_bytes)
    return (bytes(output) if begun else None), errors


def _add(output: bytearray, chunk: bytes, marker: bytes, begun: bool, limit_bytes: int) -> bool:
    """Add to what was read; once the marker is there, nothing before it is kept. Whether the answer has begun."""
    start = max(0, len(output) - len(marker))
    output += chunk
    if not begun and (place := output.find(marker, start)) >= 0:
        del output[: place + len(marker)]
        begun = True
    if len(output) > (limit_bytes if begun else _LARGEST_NOISE):
        what = "answers more than" if begun else "prints before its answer more than"
        raise NoAnswerError(f"it {what} {(limit_bytes if begun else _LARGEST_NOISE):,} bytes")
    return begun


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its pipes and kill it if it still runs."""
    if process.poll() is None:
        process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()
    process.wait()

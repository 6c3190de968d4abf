"""The outcomes of reading an input, and those that are faults."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from typing import Literal

from edgesr.runtimes.errors import EdgesrError
from tests.fuzzing.targets import Target, read_input, work_folder

Outcome = Literal["read", "refused", "crashed", "fault"]
"""``crashed``: a library in C++ took its process down, which the command tells in one line."""

LONGEST_MESSAGE = 1000
_MOST_SECONDS = 20
_EXIT_CODES: dict[int, Outcome] = {40: "read", 41: "refused", 42: "fault"}  # that no library ends with


def outcome(target: Target, content: bytes) -> tuple[Outcome, str]:
    """The outcome of reading content with the target, and the refusal or the traceback."""
    return _apart(target, content) if target.apart else _here(target, content)


def _here(target: Target, content: bytes) -> tuple[Outcome, str]:
    try:
        with _output_thrown_away():
            read_input(target, content)
    except EdgesrError as error:
        message = " ".join(str(error).split())
        return ("refused" if 0 < len(message) <= LONGEST_MESSAGE else "fault"), message
    except BaseException:
        return "fault", traceback.format_exc()
    return "read", ""


def _apart(target: Target, content: bytes) -> tuple[Outcome, str]:
    """In a fork of this process, which has its libraries loaded and removes the folder."""
    work_folder()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.alarm(_MOST_SECONDS)
        result, message = _here(target, content)
        os.write(writing, message.encode(errors="replace")[-4000:])
        os._exit(next(code for code, name in _EXIT_CODES.items() if name == result))
    os.close(writing)
    with os.fdopen(reading, errors="replace") as stream:
        message = stream.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == -signal.SIGALRM:
        return "fault", f"no end after {_MOST_SECONDS} s"
    return (_EXIT_CODES[code], message) if code in _EXIT_CODES else ("crashed", f"signal or exit code {code}")


@contextlib.contextmanager
def _output_thrown_away() -> Iterator[None]:
    """Discard the output that libraries print themselves, from C++ too."""
    sys.stdout.flush()
    kept = [os.dup(1), os.dup(2)]
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 1)
        os.dup2(null, 2)
        yield
    finally:
        for place, descriptor in enumerate(kept, start=1):
            os.dup2(descriptor, place)
            os.close(descriptor)
        os.close(null)

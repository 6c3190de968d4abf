"""The standard streams of the process, which libraries write to below Python."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_STDOUT, _STDERR = 1, 2
_MOVED = threading.Lock()


@contextmanager
def silent_standard_error() -> Iterator[None]:
    """Discard everything that any thread writes to standard error meanwhile.

    It is that of all threads: one alone may send it elsewhere at a time, the others wait. Where it is closed, there is
    nothing to silence.
    """
    with _silent(_STDERR, sys.stderr):
        yield


@contextmanager
def silent_standard_output() -> Iterator[None]:
    """Discard everything that is printed meanwhile, as `silent_standard_error` does."""
    with _silent(_STDOUT, sys.stdout):
        yield


@contextmanager
def _silent(descriptor: int, stream: TextIO | None) -> Iterator[None]:
    with _MOVED:
        if stream is not None:
            stream.flush()
        flush_libraries()
        try:
            kept = os.dup(descriptor)
        except OSError:
            yield
            return
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
            yield
        finally:
            flush_libraries()
            os.dup2(kept, descriptor)
            os.close(kept)


def flush_libraries() -> None:
    """Write out the text that the C library still holds, to the place that it was meant for."""
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)

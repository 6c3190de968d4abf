"""The standard error of the process, which libraries write to below Python."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_MOVED = threading.Lock()


@contextmanager
def silent_standard_error() -> Iterator[None]:
    """What is written to it meanwhile goes nowhere, of other threads too.

    It is that of all threads: one alone may send it elsewhere at a time, the others wait. Where it is closed, there is
    nothing to silence.
    """
    with _MOVED:
        if sys.stderr is not None:
            sys.stderr.flush()
        try:
            kept = os.dup(_STDERR)
        except OSError:
            yield
            return
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _STDERR)
            os.close(nowhere)
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)

"""One process at a time, by the lock of a file; whoever waits for another is told so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgesr.runtimes.progress import Progress, notice

PATIENCE_SECONDS = 1.0


@contextmanager
def locked(file: Path, *, other: str, progress: Progress) -> Iterator[None]:
    """Hold the lock of ``file``. ``other`` names who may hold it: after a second of waiting a notice tells so, once."""
    import filelock

    lock = filelock.FileLock(file)
    try:
        lock.acquire(timeout=PATIENCE_SECONDS)
    except filelock.Timeout:
        notice(progress, f"waiting for {other}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()

"""One run at a time on the folder that it writes into, and a place there for what is not finished."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgesr.runtimes.errors import InputError

WORK_FOLDER = ".edgesr-upscale"
_LOCK, _OWNER = "lock", "owner"


@contextmanager
def occupied(target: Path) -> Iterator[Path]:
    """Make a folder and hold it for the images of one run; its hidden folder for unfinished files, empty, which is gone
    at the end. An InputError names the process that holds it. A process that was killed holds nothing.
    """
    import filelock

    work = target / WORK_FOLDER
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(work / _LOCK)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise InputError(
            f"{target}: {_owner(work)} writes upscaled images into it now: wait for its end, or give another folder"
        ) from None
    except OSError as error:
        raise InputError(f"{work}: cannot be made: {error.strerror or error}") from error
    try:
        _clear(work)
        (work / _OWNER).write_text(f"process {os.getpid()} on {platform.node()}")
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)  # whoever opened the lock meanwhile finds that its name is gone
        lock.release()


def _owner(work: Path) -> str:
    """The process that holds a folder; it may be about to write its name."""
    with contextlib.suppress(OSError):
        return (work / _OWNER).read_text(errors="replace")[:200] or "another process"
    return "another process"


def _clear(work: Path) -> None:
    """Delete what a killed run left."""
    for entry in work.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != _LOCK:
            entry.unlink(missing_ok=True)

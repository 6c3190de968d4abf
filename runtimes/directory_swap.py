"""Replace a directory by another one so that at every moment the old or the new one is in place."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def swap_in(new: Path, place: Path) -> None:
    """Move ``new`` to ``place``, both on one file system; what was there is deleted afterwards.

    Linux exchanges both names in one step (renameat2). Elsewhere the old directory is first moved to a name that
    `recover` brings back.
    """
    if not place.exists():
        new.rename(place)
        return
    if _exchange(new, place):
        shutil.rmtree(new)
        return
    previous = _previous(place)
    shutil.rmtree(previous, ignore_errors=True)
    place.rename(previous)
    new.rename(place)
    shutil.rmtree(previous)


def recover(place: Path) -> None:
    """Bring the old directory back where a swap without renameat2 was killed between its two renames."""
    previous = _previous(place)
    if previous.is_dir() and not place.exists():
        previous.rename(place)


def _previous(place: Path) -> Path:
    return place.with_name(f".{place.name}.previous")


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two names atomically; False where the system or file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    result: int = renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return result == 0

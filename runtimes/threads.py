"""Numbers of threads that a runtime may be asked for, and of cores. Imports nothing of others."""

from __future__ import annotations

import os

from edgesr.runtimes.errors import InputError

MAX_THREADS = 256


def require_threads(count: int) -> None:
    """Raise an InputError for a number of threads that no runtime should be asked for."""
    if not 1 <= count <= MAX_THREADS:
        raise InputError(f"threads is {count}: need 1 to {MAX_THREADS}")


def usable_cores() -> int:
    """The number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

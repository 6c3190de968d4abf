"""Numbers of threads that a runtime may be asked for. Imports nothing of others."""

from __future__ import annotations

from edgesr.runtimes.errors import InputError

MAX_THREADS = 256


def require_threads(count: int) -> None:
    """Raise an InputError for a number of threads that no runtime should be asked for."""
    if not 1 <= count <= MAX_THREADS:
        raise InputError(f"threads is {count}: need 1 to {MAX_THREADS}")

"""Switches off what packages of others would send or write about their use. edgesr itself sends nothing."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TELEMETRY_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime from 1.29: a database, a device id and an uploading thread
    "ENABLE_RUNTIME_UPTIME_TELEMETRY": "0",  # TensorFlow sets it to 1 unless it is set
}
"""Environment of every process that may import them; it is read when they are imported."""
_ABSENCE = threading.RLock()


def switch_off_telemetry() -> None:
    """Switch off telemetry in this process: call it before such a package is imported."""
    os.environ.update(TELEMETRY_OFF)


@contextmanager
def absent_module(name: str, *, package: str) -> Iterator[None]:
    """While ``package`` is imported, by one thread at a time: a module that it imports only to send what it is used
    for is as if not installed. Nothing changes where the package is imported already.

    Where the user's own code has imported the module it is there again afterwards.
    """
    with _ABSENCE:
        if package in sys.modules:
            yield
            return
        before = sys.modules.get(name)
        sys.modules[name] = None  # type: ignore[assignment]
        try:
            yield
        finally:
            sys.modules.pop(name, None)
            if before is not None:
                sys.modules[name] = before

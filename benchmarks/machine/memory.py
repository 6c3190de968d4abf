"""Resident memory of this process."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_rss_bytes() -> int:
    """Highest resident memory of this process.

    Linux: VmHWM, since ru_maxrss of a process also counts the parent that it was forked from.
    """
    return _status_bytes("VmHWM") if _STATUS.is_file() else _max_rss_bytes()


def rss_bytes() -> int:
    """Resident memory now; where the system does not tell (no /proc), the highest so far."""
    return _status_bytes("VmRSS") if _STATUS.is_file() else _max_rss_bytes()


def _status_bytes(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


def _max_rss_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

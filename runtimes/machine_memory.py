"""The memory of this machine."""

from __future__ import annotations

import os
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
"""Where Linux tells of its memory; other systems do not have it."""


def memory_bytes() -> tuple[int | None, int | None]:
    """All memory and what is available of it; None where the system does not tell."""
    if MEMINFO.is_file():
        lines = (line.split() for line in MEMINFO.read_text().splitlines())
        kilobytes = {words[0]: int(words[1]) for words in lines if len(words) == 3}
        total, available = (kilobytes.get(name) for name in ("MemTotal:", "MemAvailable:"))
        return total and total * 1024, available and available * 1024
    if {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(os.sysconf_names):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    return None, None

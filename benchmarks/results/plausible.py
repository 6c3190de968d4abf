"""Figures of a result file that cannot have been measured, told by their names, whose endings are their units."""

from __future__ import annotations

from typing import Any

from edgesr.runtimes.json_records import DecodeError
from edgesr.runtimes.wording import shown_name, shown_value

_LARGEST = 1e24
_NOT_NEGATIVE = (
    *("_ms", "_mhz", "_rss_mb", "_cores", "_per_s", "_interval_ms", "_bytes", "share", "_error", "_difference"),
    *("threads", "calls", "rounds", "seconds", "runtime_mb"),
)


def require_plausible(value: Any, where: str = "") -> None:
    """Raise a DecodeError for a number beyond 1e24, or one below 0 that is a time, a size, a count, a share or an
    error.
    """
    if isinstance(value, dict):
        for name, item in value.items():
            require_plausible(item, name)
    elif isinstance(value, list):
        for item in value:
            require_plausible(item, where)
    elif isinstance(value, int | float) and (abs(value) > _LARGEST or (value < 0 and where.endswith(_NOT_NEGATIVE))):
        raise DecodeError(f"{shown_name(where)} is {shown_value(value)}, which cannot be")

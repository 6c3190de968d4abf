"""Numbers and moments as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: 1 artifact, 2 artifacts, 1,234 artifacts; ``plural`` where an s does not make it."""
    return f"{number:,} {noun_for(number, noun, plural)}"


def noun_for(number: int, noun: str, plural: str | None = None) -> str:
    """The noun alone, in the form that goes with the number."""
    return noun if number == 1 else plural or f"{noun}s"


def moment(text: str) -> str:
    """27 November 2026, 19:05 UTC, for an ISO 8601 time with its offset; any other text as it is."""
    if not _ISO_8601.fullmatch(text):
        return text
    try:
        when = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}, {when:%H:%M} UTC"

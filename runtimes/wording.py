"""Numbers and moments as people write them, and names from files: short, and on one line."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable
from datetime import UTC, datetime

SHOWN = 3
_LONGEST = 80
_LONGEST_TEXT = 300
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


def shown_name(name: object) -> str:
    """A name from a file: at most 80 characters, with escapes for those that are not printable."""
    text = name if isinstance(name, str) else reprlib.repr(name)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def printable(text: str) -> str:
    """Text for one line of a terminal: escapes for control characters, which could change what is shown before it."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def shown_text(text: str) -> str:
    """The message of a library, at most 300 characters of it."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def shown_value(value: object) -> str:
    """A value from a file as Python writes it, shortened to about 80 characters."""
    text = reprlib.repr(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def first_names(names: Iterable[object]) -> str:
    """The first three of some names, and how many more there are: "a, b, c and 4 more"."""
    listed = list(names)
    more = len(listed) - SHOWN
    return ", ".join(map(shown_name, listed[:SHOWN])) + (f" and {more} more" if more > 0 else "")

"""How names of tensors stand in messages: short, and on one line whatever a file calls them."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable

SHOWN = 3
_LONGEST = 80


def shown_name(name: object) -> str:
    """A name from a file: at most 80 characters, with escapes for those that are not printable."""
    text = name if isinstance(name, str) else reprlib.repr(name)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def first_names(names: Iterable[object]) -> str:
    """The first three of some names, and how many more there are: "a, b, c and 4 more"."""
    listed = list(names)
    more = len(listed) - SHOWN
    return ", ".join(map(shown_name, listed[:SHOWN])) + (f" and {more} more" if more > 0 else "")

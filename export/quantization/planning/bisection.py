"""The least of a growing row of choices that is good enough, found with few tries."""

from __future__ import annotations

from collections.abc import Callable


def least_accepted(most: int, accept: Callable[[int], bool]) -> int | None:
    """The least count up to ``most`` that is accepted, where all above one that is are too; None where none is."""
    if accept(0):
        return 0
    refused, count = 0, min(1, most)
    while not accept(count):
        if count == most:
            return None
        refused, count = count, min(2 * count, most)
    while count - refused > 1:
        middle = (refused + count) // 2
        refused, count = (refused, middle) if accept(middle) else (middle, count)
    return count

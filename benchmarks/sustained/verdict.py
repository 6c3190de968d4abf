"""Did heat slow the device down, or did other processes? Told from windows of calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from edgesr.benchmarks.sustained.windows import KEPT_SHARE, Window

Verdict = Literal["steady", "throttled", "contended", "not told"]

_LEAST_RATIO = 0.95
"""A smaller ratio of the last to the first part is a fall."""
_MOST_LOST_WINDOWS = 0.1


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """``retention``: calls a second of the last part by those of the first, whatever slowed them down, None for less
    than two windows.

    "throttled": the clock or the calls per second of processor time fell while the process kept its cores;
    "contended": it did not keep them; "not told" for the ``why`` given.
    """

    verdict: Verdict
    why: str
    retention: float | None


def judged(windows: Sequence[Window], *, edge_seconds: float, threads: int) -> Judgement:
    """The first and last windows are compared that last ``edge_seconds`` together, or half of all where that is less.

    Only windows in which the process kept its cores tell of the device: in the others it shared caches and memory, too.
    """
    if len(windows) < 2:
        return Judgement(verdict="not told", why="a call takes longer than a window: give more seconds", retention=None)
    first, last = _edges(windows, edge_seconds)
    retention = _rate(last) / _rate(first)
    verdict, why = _verdict(windows, first, last, retention=retention, threads=threads)
    return Judgement(verdict=verdict, why=why, retention=retention)


def _verdict(
    windows: Sequence[Window], first: Sequence[Window], last: Sequence[Window], *, retention: float, threads: int
) -> tuple[Verdict, str]:
    lost = [one for one in windows if not one.kept_its_cores]
    kept_first, kept_last = ([one for one in part if one.kept_its_cores] for part in (first, last))
    if kept_first and kept_last:
        falls = _falls(kept_first, kept_last)
        if falls:
            return "throttled", f"{' and '.join(falls)}, while it kept its cores"
    if len(lost) > _MOST_LOST_WINDOWS * len(windows) or not (kept_first and kept_last):
        found = (
            f"in {len(lost)} of {len(windows)} windows it had less than {KEPT_SHARE:.0%} of its cores' time, "
            f"at worst {min(one.own_share for one in lost):.0%}"
        )
        if threads > 1 and all(one.waiting_share is None for one in lost):
            return "not told", f"{found}: its threads may have waited for each other, and the device does not tell"
        return "contended", found
    if retention < _LEAST_RATIO:
        return "not told", (
            f"calls a second fell to {retention:.0%}, but neither the clock nor the calls per second of processor time "
            "fell: something else than its cores became slower"
        )
    return "steady", f"calls a second stayed at {retention:.0%}"


def _falls(first: Sequence[Window], last: Sequence[Window]) -> list[str]:
    """The quantities that fell from the first windows to the last, in words with both figures."""
    found = []
    for what, unit, value in _SIGNS:
        before, after = ([told for one in part if (told := value(one)) is not None] for part in (first, last))
        if before and after and median(after) < _LEAST_RATIO * median(before):
            found.append(f"{what} fell from {median(before):.4g} to {median(after):.4g}{unit}")
    return found


_SIGNS: tuple[tuple[str, str, Callable[[Window], float | None]], ...] = (
    ("the clock", " MHz", lambda window: window.clock_mhz),
    ("the calls per second of processor time", "", lambda window: window.calls_per_cpu_second),
)


def _edges(windows: Sequence[Window], edge_seconds: float) -> tuple[list[Window], list[Window]]:
    """The first and the last windows, which do not overlap, each at least one."""
    end = windows[-1].begin_seconds + windows[-1].seconds
    edge = min(edge_seconds, end / 2)
    middle = [one.begin_seconds + one.seconds / 2 for one in windows]
    first = [one for one, at in zip(windows, middle, strict=True) if at <= edge]
    last = [one for one, at in zip(windows, middle, strict=True) if at > end - edge]
    return first or list(windows[:1]), last or list(windows[-1:])


def _rate(windows: Sequence[Window]) -> float:
    """Calls a second."""
    return sum(one.calls for one in windows) / sum(one.seconds for one in windows)

"""The section on seconds and memory of docs/peers.md; empty until it is measured."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from statistics import median

from peer_results import CROP, OTHERS, OURS, PHOTOGRAPH, PeerResults, TimePart, TimeRow

_HEADER = "| method | seconds | CPU seconds | to load, seconds | peak memory, MB |\n|---|---|---|---|---|\n"
_NAMES = {PHOTOGRAPH: "The whole photograph", CROP: "A crop of the photograph, for slow upscalers"}


def time_section(results: PeerResults) -> str:
    """A section of times; the methods that are faster or smaller than ours come first."""
    part = results.time
    if part is None:
        return ""
    versions = ", ".join(f"{package} {version}" for package, version in part.versions.items())
    where = wrapped(
        f"{part.created_utc[:10]}, {part.environment.cpu}, {part.environment.logical_cores} cores. {versions}."
    )
    return "\n".join(
        ["## Seconds and memory\n", *_leads(part), *(_table(part, picture) for picture in part.sizes), where]
    )


def wrapped(text: str) -> str:
    """Lines of at most 120 columns."""
    return "\n".join(textwrap.wrap(text, 120, break_on_hyphens=False)) + "\n"


def _leads(part: TimePart) -> list[str]:
    """A sentence for each figure of which ours is not the best on a picture."""
    sentences = []
    for picture in part.sizes:
        for what, figure in (("need less time", _seconds), ("need less memory", _peak)):
            others, ours = (_medians(part, picture, figure, groups) for groups in (OTHERS, OURS))
            ahead = [part.titles[name] for name, value in others.items() if ours and value < min(ours.values())]
            if ahead:
                sentences.append(
                    wrapped(
                        f"For {_NAMES[picture].lower()}, these {what} than every network of edgesr: {'; '.join(ahead)}."
                    )
                )
    return sentences


def _table(part: TimePart, picture: str) -> str:
    width, height = part.sizes[picture]
    rows = [row for row in part.rows if row.picture == picture]
    lines = [
        f"| {part.titles[row.method]} | {_spread(row.seconds, 2)} | {_spread(row.cpu_seconds, 2)} "
        f"| {_spread(row.load_seconds, 2)} | {_spread([one / 1e6 for one in row.peak_bytes], 0)} |\n"
        if row.failure is None
        else f"| {part.titles[row.method]} | not measured: {row.failure} | | | |\n"
        for row in rows
    ]
    rounds = max((len(row.seconds) for row in rows), default=0)
    title = f"{_NAMES[picture]}, {width}x{height} pixels to {4 * width}x{4 * height}, {rounds} rounds:\n\n"
    return f"{title}{_HEADER}{''.join(lines)}"


def _spread(values: tuple[float, ...] | list[float], digits: int) -> str:
    """Median, and the least and the most in brackets."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _medians(
    part: TimePart, picture: str, figure: Callable[[TimeRow], float], groups: tuple[str, ...]
) -> dict[str, float]:
    rows = [row for row in part.rows if row.picture == picture and row.failure is None]
    return {row.method: figure(row) for row in rows if part.groups[row.method] in groups}


def _seconds(row: TimeRow) -> float:
    return median(row.seconds)


def _peak(row: TimeRow) -> float:
    return median(row.peak_bytes)

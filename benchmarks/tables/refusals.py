"""The operators that delegates of phones would refuse, as rows of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgesr.benchmarks.latency.profiles import ProfileResults
from edgesr.benchmarks.tables.table import DASH, Table
from edgesr.runtimes.delegates.rules import Refusals

_TITLE = "Operators that delegates would refuse, by their published lists (predicted; nothing ran on them)"


def refusal_table(found: Iterable[tuple[str, Sequence[Refusals]]], *, first: str = "artifact") -> Table:
    """Rows of a file by its name: one for each reason of a delegate, and one for the delegates that take it whole."""
    rows = [
        (name if place == 0 else "", *cells)
        for name, refusals in found
        for place, cells in enumerate((*_refused(refusals), *_taken(refusals)))
    ]
    return Table(_TITLE, (first, "delegate", "refuses", "why", "rewrite"), tuple(rows))


def profiled_refusals(results: ProfileResults) -> Table:
    """The same of all files that were profiled."""
    profiles = ((result.key.artifact, result.profile) for result in results.results)
    return refusal_table((name, profile.refusals) for name, profile in profiles if profile is not None)


def _refused(found: Sequence[Refusals]) -> list[tuple[str, str, str, str]]:
    return [
        (refusals.delegate if place == 0 else "", f"{one.operator} {one.count}", one.why, one.remedy or DASH)
        for refusals in found
        for place, one in enumerate(refusals.refused)
    ]


def _taken(found: Sequence[Refusals]) -> list[tuple[str, str, str, str]]:
    whole = [refusals for refusals in found if not refusals.refused]
    if not whole:
        return []
    return [(", ".join(one.delegate for one in whole), f"none of {whole[0].operators}", DASH, DASH)]

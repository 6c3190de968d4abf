"""The reasons why artifacts were not measured, or failed."""

from __future__ import annotations

from collections.abc import Iterable

from edgesr.benchmarks.jobs import OUTSIDE
from edgesr.benchmarks.latency.end_to_end_results import EndToEndResults
from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.results.rows import Row, label


def failures(rows: Iterable[Row]) -> list[str]:
    """One line for every row that was not measured, or failed, with its reason."""
    return [f"{label(one.key)}: {one.status}: {one.reason}" for one in rows if one.status != "done"]


def not_measured(results: ParityResults | LatencyResults | EndToEndResults) -> list[str]:
    """One line for every artifact that was not measured, or failed, with its reason."""
    lines = failures(results.results)
    if isinstance(results, ParityResults):
        for result in results.results:
            if result.parity and result.parity.not_run:
                why = "no output of" if result.key.device == OUTSIDE else "its size is fixed there, not that of"
                lines.append(f"{label(result.key)}: not run: {why} {', '.join(result.parity.not_run)}")
            for golden in result.parity.goldens if result.parity else ():
                lines += [f"{label(result.key)} on {golden.golden}: {message}" for message in golden.failures]
    return lines

"""Compare two files of `bench`."""

from __future__ import annotations

from pathlib import Path

from edgesr.benchmarks.latency.regression import Changes, compare_results
from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.runs.options import CompareOptions


def compare_files(old: Path, new: Path, options: CompareOptions | None = None) -> Changes:
    """List what became faster or slower from one file to the other, and what executes more instructions."""
    return compare_with_file(old, read_results(LatencyResults, new), options)


def compare_with_file(old: Path, new: LatencyResults, options: CompareOptions | None = None) -> Changes:
    """Compare a file with results that were just measured, as `compare_files` does."""
    options = options or CompareOptions()
    return compare_results(read_results(LatencyResults, old), new, limit=options.limit, unlike=options.unlike)

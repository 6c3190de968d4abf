"""The providers and delegates that ran the operators of files, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable

from edgesr.benchmarks.results.rows import Key, label
from edgesr.runtimes.interface.operator_profile import Execution


def execution_lines(found: Iterable[tuple[Key, Execution | None]]) -> list[str]:
    """One line for every result of which it is told, with a warning where it is not what was asked for."""
    lines = []
    for key, execution in found:
        if execution is not None:
            lines.append(f"{label(key)} ({key.engine}): {execution.described}")
    return list(dict.fromkeys(lines))

"""Two latency files side by side, as rows of text."""

from __future__ import annotations

from collections.abc import Sequence

from edgesr.benchmarks.jobs import HOST
from edgesr.benchmarks.latency.instruction_changes import COUNT_LIMIT, CountChange
from edgesr.benchmarks.latency.regression import Changes
from edgesr.benchmarks.results.rows import label
from edgesr.benchmarks.tables.table import DASH, Table


def change_table(changes: Changes) -> Table:
    """One row an artifact, thread count and device; without a column of devices where all is of this host."""
    named = any(c.key.device != HOST for c in changes.changes)
    device = ("device",) if named else ()
    columns = ("artifact", "runtime", *device, "threads", "new / old p50", "95% interval", "verdict")
    rows = tuple(
        (
            c.key.artifact,
            c.key.engine,
            *((c.key.device,) if named else ()),
            str(c.key.threads),
            DASH if c.ratio is None else f"{c.ratio:.3f}",
            DASH if c.interval is None else f"{c.interval[0]:.3f} .. {c.interval[1]:.3f}",
            c.verdict + (f", beyond {changes.limit:.1%}" if c in changes.regressions and c.interval else ""),
        )
        for c in changes.changes
    )
    return Table("Latency: new divided by old", columns, rows)


def change_lines(changes: Changes) -> list[str]:
    """Lines below the table that a reader has to know; the last line is the outcome."""
    lines = [f"different conditions: {difference}" for difference in changes.unlike]
    lines += [f"{name}: only the old file has it, so it is not compared" for name in changes.only_old]
    lines += [f"{name}: only the new file has it, so it is not compared" for name in changes.only_new]
    lines += [f"{label(c.key)}: failed: {c.reason}" for c in changes.changes if c.verdict == "failed"]
    lines += [f"{label(c.key)}: failed: {c.reason}" for c in changes.counts if c.verdict == "failed"]
    if changes.counts:
        more = len(changes.count_regressions)
        lines.append(f"{more} of {len(changes.counts)} failed or execute at least {COUNT_LIMIT:.1%} more instructions")
    if all(change.verdict == "too few rounds" for change in changes.changes):
        return lines
    by_device: dict[str, list[bool]] = {}
    for change in changes.changes:
        by_device.setdefault(change.key.device, []).append(change in changes.regressions)
    return [
        *lines,
        *(
            f"{f'{name}: ' if len(by_device) > 1 else ''}{sum(worse)} of {len(worse)} failed or became slower by more "
            f"than {changes.limit:.1%}"
            for name, worse in by_device.items()
        ),
    ]


def count_change_table(changes: Sequence[CountChange]) -> Table:
    """One row an artifact and device."""
    columns = ("artifact", "runtime", "device", "new / old", "verdict")
    rows = tuple(
        (c.key.artifact, c.key.engine, c.key.device, DASH if c.ratio is None else f"{c.ratio:.4f}", c.verdict)
        for c in changes
    )
    return Table(f"Instructions: new divided by old; a change below {COUNT_LIMIT:.1%} counts as none", columns, rows)

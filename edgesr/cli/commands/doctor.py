"""The sub-command `doctor`: what is installed, and what this machine has."""

from __future__ import annotations

from edgesr.cli.terminal import print_table


def doctor() -> None:
    """List runtimes, converters and what this machine has: found, needed for what, how to get it."""
    from edgesr.export.inspection.doctor import converter_table, runtime_table
    from edgesr.export.inspection.machine import machine_table

    for table in (runtime_table(), converter_table(), machine_table()):
        print_table(table)

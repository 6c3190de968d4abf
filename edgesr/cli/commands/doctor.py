"""The sub-command `doctor`: what is installed, and what this machine has."""

from __future__ import annotations

from edgesr.cli.terminal import print_table


def doctor() -> None:
    """List runtimes, converters and what this machine has: found, needed for what, how to get it."""
    import edgesr

    for table in edgesr.doctor():
        print_table(table)

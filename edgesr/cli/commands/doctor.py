"""The sub-command `doctor`: what is installed, and what this machine has."""

from __future__ import annotations

from edgesr.cli.terminal import print_table


def doctor() -> None:
    """List runtimes, converters and tools: whether they are installed here, their use, and how to get them."""
    import edgesr

    for table in edgesr.doctor():
        print_table(table)

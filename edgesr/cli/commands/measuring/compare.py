"""The sub-command `compare`: two files of `bench`, and whether anything became slower."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.benchmarks.runs.options import CompareOptions
from edgesr.cli.commands.measuring.bench import LIMIT, LimitOption, UnlikeOption, shown_changes
from edgesr.cli.terminal import parse_percent


def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD.json", help="File written by 'edgesr bench --json'.")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json", help="A later such file, of the same machine.")],
    limit: LimitOption = LIMIT,
    unlike: UnlikeOption = False,
) -> None:
    """List what became faster or slower from one measurement to the next.

    The exit code is 1 when something became slower by more than the limit.
    """
    from edgesr.benchmarks.runs.compare import compare_files

    options = CompareOptions(limit=parse_percent("--limit", limit), unlike=unlike)
    raise typer.Exit(0 if shown_changes(compare_files(old, new, options)) else 1)

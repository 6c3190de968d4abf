"""The sub-command `compare`: two files of `bench`, and whether anything became slower."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.commands.bench import LimitOption, UnlikeOption, parse_percent, shown_comparison


def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD.json", help="A file of 'edgesr bench --json'.")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json", help="A later one of the same machine.")],
    limit: LimitOption = "5%",
    unlike: UnlikeOption = False,
) -> None:
    """Tell what became faster or slower; exit code 1 when something is slower by more than the limit."""
    from edgesr.benchmarks.latency.results import LatencyResults
    from edgesr.benchmarks.result_files import read_results

    share = parse_percent("--limit", limit)
    before, after = read_results(LatencyResults, old), read_results(LatencyResults, new)
    raise typer.Exit(0 if shown_comparison(before, after, limit=share, unlike=unlike) else 1)

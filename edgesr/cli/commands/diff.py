"""The sub-command `diff`: at which layer do two artifacts, or an artifact and PyTorch, begin to differ?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.terminal import JsonOption, print_lines, print_table


def diff(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle made by 'edgesr export'.")],
    a: Annotated[str, typer.Argument(metavar="A", help="Id of the artifact to examine.")],
    b: Annotated[
        str,
        typer.Argument(metavar="B", help="Id of the artifact to compare it with, or pytorch: as recorded at export."),
    ],
    golden: Annotated[
        str | None, typer.Option(help="Golden to run; without, the first that both take (pytorch: the recorded one).")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Relative RMS error that a layer may have; by precision without.")
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Exact arithmetic: no graph optimisations, int8 or fast kernels.")
    ] = False,
    json: JsonOption = None,
    plot: Annotated[Path | None, typer.Option(help="Also draw the error per layer: .svg or .png.")] = None,
) -> None:
    """Compare two artifacts layer by layer and name the first that differs too much; exit code 1 when one does."""
    import edgesr
    from edgesr.export.diff.tables import diff_summary, diff_table

    options = edgesr.DiffOptions(golden=golden, threshold=threshold, exact=exact)
    result = edgesr.diff(edgesr.open_bundle(bundle), a, b, options, json=json, plot=plot)
    print_table(diff_table(result))
    print_lines(diff_summary(result))
    raise typer.Exit(0 if result.passed else 1)

"""The sub-command `diff`: at which layer do two artifacts, or an artifact and PyTorch, begin to differ?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.terminal import BundleArgument, JsonOption, print_lines, print_table


def diff(
    bundle: BundleArgument,
    a: Annotated[str, typer.Argument(metavar="A", help="Artifact to examine, by its id such as onnx-int8-tile.")],
    b: Annotated[
        str,
        typer.Argument(
            metavar="B", help="Artifact to compare it with, or pytorch: the outputs of layers recorded at export."
        ),
    ],
    golden: Annotated[
        str | None,
        typer.Option(
            help="Golden (recorded input) to run; unless given, the first that both take, or for pytorch the one whose "
            "layers were recorded."
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Largest RMS error of a layer, divided by the RMS of its values; unless given, it follows from the "
            "precision."
        ),
    ] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Use exact arithmetic: a slow run without graph optimisations, int8 kernels or fast kernels.",
        ),
    ] = False,
    json: JsonOption = None,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw the error of each layer, to this .svg or .png file.")
    ] = None,
) -> None:
    """Compare two artifacts layer by layer and name the first layer that differs too much.

    The exit code is 1 when a layer differs too much.
    """
    import edgesr
    from edgesr.export.diff.tables import diff_summary, diff_table

    options = edgesr.DiffOptions(golden=golden, threshold=threshold, exact=exact)
    result = edgesr.diff(edgesr.open_bundle(bundle), a, b, options, json=json, plot=plot)
    print_table(diff_table(result))
    print_lines(diff_summary(result))
    raise typer.Exit(0 if result.passed else 1)

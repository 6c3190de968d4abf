"""The sub-command `report`: one HTML page of a bundle's result files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.terminal import BundleArgument, keep_output_free, print_lines, shown_progress
from edgesr.runtimes.wording import counted


def report(
    bundle: BundleArgument,
    output: Annotated[Path, typer.Option(callback=keep_output_free, help="The HTML file to write.")],
    parity: Annotated[Path | None, typer.Option(help="Results of 'edgesr parity --json'.")] = None,
    latency: Annotated[Path | None, typer.Option(help="Results of 'edgesr bench --json'.")] = None,
    quality: Annotated[Path | None, typer.Option(help="Results of 'edgesr eval --json'.")] = None,
    end_to_end: Annotated[
        Path | None, typer.Option("--end-to-end", help="Results of 'edgesr bench --image-size --json'.")
    ] = None,
    profile: Annotated[Path | None, typer.Option(help="Results of 'edgesr profile --json'.")] = None,
    sustained: Annotated[Path | None, typer.Option(help="Results of 'edgesr bench --sustained --json'.")] = None,
    image: Annotated[
        list[Path] | None,
        typer.Option(help="Photograph whose middle every artifact upscales for the page; may be given several times."),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(callback=keep_output_free, help="Also write the tables to this Markdown file.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write the tables to CSV files in this folder.")] = None,
) -> None:
    """Write one HTML page, usable offline, that shows result files as plots, tables, and pictures to compare."""
    import edgesr

    opened = edgesr.open_bundle(bundle)
    files = edgesr.ReportFiles(
        parity=parity,
        latency=latency,
        quality=quality,
        end_to_end=end_to_end,
        profile=profile,
        sustained=sustained,
    )
    with shown_progress() as progress:
        made = edgesr.report(
            opened,
            files,
            output,
            images=image or (),
            markdown_file=markdown,
            csv_folder=csv,
            progress=progress,
        )
    artifacts = counted(len(opened.manifest.artifacts), "artifact")
    print_lines([f"{output}: {len(made.html) / 1e6:.1f} MB, {artifacts}"])

"""The sub-command `eval`: quality of generators and artifacts against HR images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgesr.cli.command import default_of
from edgesr.cli.terminal import ArtifactOption, JsonOption, RuntimeOption, print_lines, print_table, shown_progress

if TYPE_CHECKING:
    from edgesr.sr_model.evaluation.evaluate import EvalOptions


def evaluate(
    path: Annotated[
        Path, typer.Argument(help="Weights (.safetensors, or a published .pth), or a bundle made by 'edgesr export'.")
    ],
    *,
    data: Annotated[
        Path,
        typer.Option(help="Folder of high-resolution (HR) images, or of pairs with low-resolution ones: *_HR, *_LR."),
    ],
    degradation: Annotated[
        str,
        typer.Option(
            help="How the low-resolution input is degraded: {degradations}. mix draws one for each image, real "
            "imitates photographs of phones.",
            default_factory=default_of(_options, "degradation"),
        ),
    ],
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="Other weights, or another bundle, to measure too; may be given several times."),
    ] = None,
    artifact: ArtifactOption = None,
    runtime: RuntimeOption = None,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="Seed of the degradations noise, mix and real.", default_factory=default_of(_options, "seed")
        ),
    ],
    json: JsonOption = None,
) -> None:
    """Measure how good the pictures of a network or bundle are: PSNR, SSIM and ST-LPIPS, next to bicubic upsampling."""
    import edgesr
    from edgesr.benchmarks.tables.quality import image_quality_table, mean_quality_table, quality_notes

    options = edgesr.EvalOptions(degradation=degradation, seed=seed, artifact_id=artifact, runtime=runtime)
    with shown_progress() as progress:
        results = edgesr.evaluate([path, *(beside or [])], data, options, json=json, progress=progress)
    print_table(image_quality_table(results))
    print_table(mean_quality_table(results))
    print_lines(quality_notes(results))


def _options() -> type[EvalOptions]:
    from edgesr.sr_model.evaluation.evaluate import EvalOptions

    return EvalOptions

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
    path: Annotated[Path, typer.Argument(help="A checkpoint (.safetensors, published .pth) or a bundle.")],
    *,
    data: Annotated[Path, typer.Option(help="Folder of HR images, or of *_HR and *_LR pairs.")],
    degradation: Annotated[
        str,
        typer.Option(
            help="What LR suffers: {degradations}.",
            default_factory=default_of(_options, "degradation"),
        ),
    ],
    beside: Annotated[
        list[Path] | None, typer.Option(help="Another checkpoint or bundle to measure too; may be given again.")
    ] = None,
    artifact: ArtifactOption = None,
    runtime: RuntimeOption = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of noise, mix and real.", default_factory=default_of(_options, "seed"))
    ],
    json: JsonOption = None,
) -> None:
    """Measure PSNR, SSIM and ST-LPIPS of a generator or a bundle's artifact against HR images, bicubic beside it."""
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

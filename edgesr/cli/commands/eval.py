"""The sub-command `eval`: quality of generators and artifacts against HR images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.terminal import ArtifactOption, JsonOption, RuntimeOption, print_lines, print_table, shown_progress


def evaluate(
    path: Annotated[Path, typer.Argument(help="A checkpoint (.safetensors, published .pth) or a bundle.")],
    data: Annotated[Path, typer.Option(help="Folder of HR images, or of *_HR and *_LR pairs.")],
    degradation: Annotated[
        str, typer.Option(help="What LR suffers: clean, blur:2, noise:8, jpeg:30, joined with +, or mix.")
    ] = "clean",
    beside: Annotated[
        list[Path] | None, typer.Option(help="Another checkpoint or bundle to measure too; may be given again.")
    ] = None,
    artifact: ArtifactOption = None,
    runtime: RuntimeOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of noise and mix.")] = 0,
    json: JsonOption = None,
) -> None:
    """Measure PSNR, SSIM and ST-LPIPS of a generator or a bundle's artifact against HR images, bicubic beside it."""
    from edgesr.benchmarks.quality.degradations import parse_degradation
    from edgesr.benchmarks.quality.image_pairs import read_image_set
    from edgesr.benchmarks.quality.measurement import measure_quality
    from edgesr.benchmarks.results.writing import require_writable, write_json
    from edgesr.benchmarks.tables.quality import image_quality_table, mean_quality_table, quality_notes
    from edgesr.sr_model.evaluation.from_paths import candidates_from_paths, perceptual_distance

    require_writable(json, path, *(beside or []))
    parse_degradation(degradation)
    images = read_image_set(data)
    candidates = candidates_from_paths([path, *(beside or [])], images, artifact_id=artifact, runtime=runtime)
    with shown_progress() as progress:
        results = measure_quality(
            candidates,
            images,
            degradation=degradation,
            seed=seed,
            distance=perceptual_distance(),
            progress=progress,
        )
    write_json(results, json)
    print_table(image_quality_table(results))
    print_table(mean_quality_table(results))
    print_lines(quality_notes(results))

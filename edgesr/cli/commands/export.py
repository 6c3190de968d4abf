"""The sub-command `export`: what to export, from which weights, and what int8 must keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.completion import graphs, one_of, precisions, presets, range_methods, some_of
from edgesr.cli.completion import targets as known_targets
from edgesr.cli.terminal import comma_separated, parse_size, print_lines, print_table, shown_progress
from edgesr.runtimes.packages import require_packages
from edgesr.runtimes.wording import counted


def export(
    output: Annotated[Path, typer.Option(help="Directory of the new bundle; an older bundle there is replaced.")],
    preset: Annotated[
        str | None, typer.Option(help="Preset whose embedded weights to export.", autocompletion=one_of(presets))
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Which of its embedded weights: real (photographs) or clean (bicubic).")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Checkpoint to export: .safetensors or published .pth.")
    ] = None,
    targets: Annotated[
        str, typer.Option(help="Comma-separated targets.", autocompletion=some_of(known_targets))
    ] = "onnx,tflite,torchscript",
    precision: Annotated[
        str,
        typer.Option(
            help="Comma-separated precisions: fp32, fp16, fp16a, int8, w8, w8d, w8a16.",
            autocompletion=some_of(precisions),
        ),
    ] = "fp32",
    graph: Annotated[
        str, typer.Option(help="Comma-separated graphs: full, tile.", autocompletion=some_of(graphs))
    ] = "full,tile",
    tile_size: Annotated[str, typer.Option(help="LR height x width of fixed-size files.")] = "128x128",
    calibration: Annotated[
        Path | None, typer.Option(help="Folder of LR photographs to calibrate int8 on; synthetic ones without.")
    ] = None,
    int8_min_psnr: Annotated[
        float, typer.Option(help="Least mean PSNR (dB) of int8 against float32; layers stay in float until it is kept.")
    ] = 40.0,
    int8_max_shift: Annotated[float, typer.Option(help="Largest shift of a channel's mean (0..255) by int8.")] = 0.3,
    int8_ranges: Annotated[
        str | None,
        typer.Option(
            help="Ranges of int8: minmax, percentile or mse; the best without.", autocompletion=one_of(range_methods)
        ),
    ] = None,
    cache_dir: Annotated[Path | None, typer.Option(help="Cache folder instead of the user's.")] = None,
) -> None:
    """Export a generator to a bundle of files for edge runtimes."""
    require_packages("export", ("torch", "safetensors", "filelock", "platformdirs"), extra="export")
    from edgesr.export.inspection.quantization_tables import quantization_tables
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle

    options = ExportOptions(
        preset=preset,
        weights=weights,
        checkpoint=checkpoint,
        targets=comma_separated(targets),
        precisions=comma_separated(precision),
        graphs=comma_separated(graph),
        tile_size=parse_size(tile_size),
        calibration=calibration,
        int8_min_psnr_db=int8_min_psnr,
        int8_max_shift=int8_max_shift,
        int8_ranges=int8_ranges,
    )
    with shown_progress() as progress:
        report = export_bundle(options, output, cache_dir=cache_dir, progress=progress)
    made = ", ".join(report.conversions) or "nothing, all stages were in the cache"
    for table in quantization_tables(report.bundle.manifest):
        print_table(table)
    artifacts = counted(len(report.bundle.manifest.artifacts), "artifact")
    print_lines([f"{output}: {artifacts}; converted: {made}"])

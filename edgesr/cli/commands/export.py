"""The sub-command `export`: what to export, from which weights, and what int8 must keep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgesr.cli.command import default_of
from edgesr.cli.completion import graphs, precisions, some_of
from edgesr.cli.completion import targets as known_targets
from edgesr.cli.int8_options import (
    CalibrationOption,
    LargestShiftOption,
    LeastPsnrOption,
    MaxDropOption,
    PlanOption,
    RangesOption,
    ValidationOption,
    parse_db,
)
from edgesr.cli.module_options import (
    AllowInexactTilesOption,
    CacheDirOption,
    CheckpointOption,
    ColourOption,
    DelegateOption,
    GoldensOption,
    ModuleOption,
    MultipleOption,
    OnnxOption,
    PeakOption,
    PresetOption,
    WeightsOption,
)
from edgesr.cli.terminal import (
    comma_separated,
    parse_size,
    print_errors,
    print_lines,
    print_table,
    shown_progress,
    size_text,
)
from edgesr.runtimes.wording import counted

if TYPE_CHECKING:
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import ExportReport


def export(
    *,
    output: Annotated[Path, typer.Option(help="Folder to write the bundle to; an older bundle there is replaced.")],
    preset: PresetOption = None,
    weights: WeightsOption = None,
    checkpoint: CheckpointOption = None,
    module: ModuleOption = None,
    onnx: OnnxOption = None,
    peak: PeakOption = None,
    multiple: MultipleOption = None,
    colour: ColourOption = None,
    allow_inexact_tiles: AllowInexactTilesOption = False,
    targets: Annotated[
        str,
        typer.Option(
            help="Formats to write, separated by commas: {targets}; or all, for those that this machine can make.",
            autocompletion=some_of(known_targets),
            default_factory=default_of(_options, "targets", ",".join),
        ),
    ],
    precision: Annotated[
        str,
        typer.Option(
            help="Number formats, separated by commas: {precisions}; see docs/quantization.md.",
            autocompletion=some_of(precisions),
            default_factory=default_of(_options, "precisions", ",".join),
        ),
    ],
    graph: Annotated[
        str,
        typer.Option(
            help="Graphs, separated by commas: {graphs}. full computes the picture in one call; tile is convolutions "
            "alone, for images of any size.",
            autocompletion=some_of(graphs),
            default_factory=default_of(_options, "graphs", ",".join),
        ),
    ],
    tile_size: Annotated[
        str,
        typer.Option(
            help="Input height x width, in pixels, of files that take one size alone.",
            default_factory=default_of(_options, "tile_size", size_text),
        ),
    ],
    calibration: CalibrationOption = None,
    int8_min_psnr: LeastPsnrOption = None,
    int8_max_shift: LargestShiftOption = None,
    int8_ranges: RangesOption = None,
    max_drop: MaxDropOption = None,
    validation: ValidationOption = None,
    plan: PlanOption = None,
    delegate: DelegateOption = None,
    goldens: GoldensOption = None,
    cache_dir: CacheDirOption = None,
) -> None:
    """Export a network to a bundle: a folder of files for edge runtimes, with what is needed to check them.

    The exit code is 1 when one of the files could not be made.
    """
    import edgesr

    run = edgesr.export_bundle  # refuses missing packages before anything else
    options = edgesr.ExportOptions(
        preset=preset,
        weights=weights,
        checkpoint=checkpoint,
        module=module,
        onnx=onnx,
        peak=peak,
        multiple=multiple,
        colour=colour,
        allow_inexact_tiles=allow_inexact_tiles,
        targets=comma_separated(targets),
        precisions=comma_separated(precision),
        graphs=comma_separated(graph),
        tile_size=parse_size(tile_size),
        calibration=calibration,
        int8_min_psnr_db=int8_min_psnr,
        int8_max_shift=int8_max_shift,
        int8_ranges=int8_ranges,
        max_drop_db=None if max_drop is None else parse_db(max_drop),
        validation=validation,
        plan=plan,
        delegate=delegate,
        goldens=goldens,
    )
    with shown_progress() as progress:
        report = run(options, output, cache_dir=cache_dir, progress=progress)
    _print_report(report, output)
    raise typer.Exit(1 if report.failures else 0)


def _print_report(report: ExportReport, output: Path) -> None:
    """Print what was calibrated and made on stdout, and what could not be made on stderr."""
    from edgesr.benchmarks.tables.quantization import quantization_tables

    made = ", ".join(report.conversions) or "nothing, all steps were in the cache"
    for table in quantization_tables(report.bundle.manifest):
        print_table(table)
    artifacts = counted(len(report.bundle.manifest.artifacts), "artifact")
    print_lines([f"{output}: {artifacts}; converted: {made}"])
    print_errors([f"{failure.id} could not be made: {failure.reason}" for failure in report.failures])


def _options() -> type[ExportOptions]:
    from edgesr.export.options import ExportOptions

    return ExportOptions

"""Checkpoint -> bundle: plan, cached stages, assembly, swap."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from edgesr.benchmarks.outside.raw_goldens import RAW, RAW_FOLDER, fill_raw_goldens
from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.export.assembly import Assembly
from edgesr.export.calibration.tiles import CalibrationSet, check_folder, folder_calibration, synthetic_calibration
from edgesr.export.calibration.validation import ValidationSet, read_validation
from edgesr.export.foreign.files import generator_file
from edgesr.export.foreign.live import split_source
from edgesr.export.foreign.source import with_exact_tiles
from edgesr.export.formats.onnx_target import ONNX
from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.formats.targets import left_out, not_measured, plan_artifacts, require_converters
from edgesr.export.lanes import in_lanes
from edgesr.export.options import ExportOptions
from edgesr.export.quantization.plan import OWN_BUDGET, AskedBudget, Plan
from edgesr.export.quantization.precisions import PRECISIONS
from edgesr.export.quantization.settings import QuantizationSettings
from edgesr.export.records import GoldenRecord
from edgesr.export.stages.cache import StageCache, default_cache_dir
from edgesr.export.stages.converted import ConvertedArtifact, convert, prepare
from edgesr.export.stages.planned import given_plan
from edgesr.export.stages.runner import StageRunner
from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod
from edgesr.runtimes.bundle.contract import next_multiple
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.bundle.writing import check_output, write_bundle
from edgesr.runtimes.errors import EdgesrError, InputError, MissingPackageError
from edgesr.runtimes.progress import Progress, ProgressEvent, notice, one_at_a_time, silent
from edgesr.runtimes.wording import counted
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.live import Generator

Goldens = tuple[Path, tuple[GoldenRecord, ...]]
"""The folder of their tensors, and their records."""


@dataclass(frozen=True)
class Failure:
    """The id of an artifact that could not be made, and the reason."""

    id: str
    reason: str


@dataclass(frozen=True)
class ExportReport:
    """The bundle, the names of the stages that were not in the cache, and the artifacts that could not be made."""

    bundle: Bundle
    conversions: tuple[str, ...]
    failures: tuple[Failure, ...] = ()


def export_bundle(
    source: ExportOptions | Generator,
    output: Path | str,
    *,
    options: ExportOptions | None = None,
    cache_dir: Path | None = None,
    progress: Progress = silent,
) -> ExportReport:
    """Export a generator to a bundle. Everything that can be refused is refused before any conversion.

    ``source`` is a network that the caller holds, whose code runs in this process up to the exported program, and
    ``options`` are then the targets, graphs and sizes; or it is options that name a checkpoint, a preset or a file.
    """
    output, progress = Path(output), one_at_a_time(progress)
    options, live = split_source(source, options)
    targets, not_of_onnx = options.possible_targets()
    plans = plan_artifacts(targets, options.precisions, options.graphs, options.tile_size, options.delegate)
    files = [] if live is not None else [options.source()]
    name = options.source_name() if live is None else live.title
    check_output(output)
    cache_root = cache_dir or default_cache_dir()
    given_paths = (*files, options.calibration, options.validation, options.plan, cache_root)
    _check_inputs_are_kept(output, [path for path in given_paths if path is not None])
    if options.calibration is not None:
        check_folder(options.calibration)
    if options.validation is not None:
        read_image_set(options.validation)
    given = None if options.plan is None else given_plan(options.plan, progress)
    if given is not None:
        options.require_no_search()
    require_converters(plans)
    for line in (*not_of_onnx, *left_out(targets, options.precisions), *not_measured(plans)):
        notice(progress, line)
    cache = StageCache(cache_root)
    with cache.locked(progress):
        runner = StageRunner(
            cache,
            generator_file(options, live, cache, progress),
            progress,
            inexact_tiles=options.allow_inexact_tiles,
            pooled_tiles=any(plan.target is ONNX and plan.graph == "tile" for plan in plans),
        )
        plans = with_exact_tiles(options, plans, runner, progress)
        _check_tile_size(options, runner)
        progress(ProgressEvent("export", 0, len(plans) + 1, "goldens"))
        goldens = runner.goldens(options.tile_size)
        quantization = _quantization(options, plans, runner, goldens, given, progress)
        converted, failures = _converted(runner, cache, plans, quantization, progress)
        assembly = Assembly(runner, name, options, quantization, converted, goldens)
        bundle = write_bundle(output, assembly.fill, complete=_raw_goldens if options.goldens == RAW else None)
    progress(ProgressEvent("export", len(plans) + 1, len(plans) + 1, str(output)))
    return ExportReport(bundle, tuple(cache.conversions), failures)


def _raw_goldens(bundle: Bundle) -> None:
    folder = bundle.root / RAW_FOLDER
    folder.mkdir()
    fill_raw_goldens(bundle, folder)


def _converted(
    runner: StageRunner,
    cache: StageCache,
    plans: Sequence[ArtifactPlan],
    quantization: QuantizationSettings | None,
    progress: Progress,
) -> tuple[list[ConvertedArtifact], tuple[Failure, ...]]:
    """Artifacts that could be made and those that could not; raises the first error if none could."""
    begun = itertools.count(1)

    def make(plan: ArtifactPlan) -> None:
        progress(ProgressEvent("export", next(begun), len(plans) + 1, plan.id))
        prepare(runner, cache, plan, quantization, progress)

    errors = in_lanes(plans, make, ready=runner.has_onnx_file)
    made: list[ConvertedArtifact] = []
    for plan in (plan for plan in plans if plan.id not in errors):
        try:
            made += convert(runner, cache, plan, quantization, progress)
        except (InputError, MissingPackageError):
            raise
        except EdgesrError as error:
            errors[plan.id] = error
    failed = [plan.id for plan in plans if plan.id in errors]
    if not made:
        raise errors[failed[0]]
    return made, tuple(Failure(name, str(errors[name])) for name in failed)


def _check_inputs_are_kept(output: Path, inputs: Sequence[Path]) -> None:
    """Refuse an output that holds what the bundle is made of, or the cache: the new bundle takes its whole place."""
    for path in inputs:
        if path.resolve().is_relative_to(output.resolve()):
            raise InputError(f"{path}: lies in {output}, which the new bundle replaces; give another --output")


def _quantization(
    options: ExportOptions,
    plans: list[ArtifactPlan],
    runner: StageRunner,
    goldens: Goldens,
    given: Plan | None,
    progress: Progress,
) -> QuantizationSettings | None:
    """The calibration set and the budget, where a precision needs them; doubts about the set are told."""
    if all(PRECISIONS[plan.precision].calibration is None for plan in plans):
        return None
    calibration = _calibration(options.calibration, goldens)
    for warning in calibration.warnings:
        notice(progress, f"{calibration.source}: {warning}")
    return QuantizationSettings(
        calibration=calibration,
        asked=_asked(options, own=isinstance(runner.config, GeneratorConfig)),
        range_method=cast(RangeMethod | None, options.int8_ranges),
        validation=_validation(options.validation, runner.config),
        plan_file=options.plan,
        given_plan=given,
    )


def _asked(options: ExportOptions, *, own: bool) -> AskedBudget:
    """The limits that int8 has to keep; edgesr's own networks have a budget of their own if the user asked for none."""
    default = OWN_BUDGET if own and options.max_drop_db is None else None
    min_psnr_db, max_shift = options.int8_min_psnr_db, options.int8_max_shift
    return AskedBudget(
        min_psnr_db=default.min_psnr_db if default and min_psnr_db is None else min_psnr_db,
        max_shift=default.max_shift if default and max_shift is None else max_shift,
        max_drop_db=options.max_drop_db,
    )


def _validation(folder: Path | None, config: GeneratorConfig | Contract) -> ValidationSet | None:
    if folder is None:
        return None
    return read_validation(folder, scale=config.scale, multiple=config.multiple, least_side=config.minimum_side)


def _calibration(folder: Path | None, goldens: Goldens) -> CalibrationSet:
    if folder is None:
        return synthetic_calibration()
    evaluated = [np.load(goldens[0] / record.files["input"], allow_pickle=False) for record in goldens[1]]
    return folder_calibration(folder, evaluated)


def _check_tile_size(options: ExportOptions, runner: StageRunner) -> None:
    size, least = options.tile_size, next_multiple(runner.config.minimum_side, runner.config.multiple)
    shown = f"tile size {size[0]}x{size[1]}"
    if min(size) < least:
        why = "" if runner.config.padding == "zero" else " the reflect pads of"
        raise InputError(f"{shown} is too small for{why} {runner.config.name}: at least {least}x{least}")
    tiling = runner.tiling
    if "tile" not in options.graphs or (tiling.halo is None and tiling.error is not None):
        return
    if tiling.halo is None:
        raise InputError(
            f"{runner.config.name} depends on the whole image at every pixel: no tile of it is exact; "
            "export it with --graph full"
        )
    if min(size) <= 2 * tiling.halo:
        raise InputError(
            f"{shown} is too small: the halo takes {counted(tiling.halo, 'pixel')} on each side; give at least "
            f"{2 * tiling.halo + tiling.step} a side, or --graph full"
        )
    if any(side % tiling.step for side in size):
        raise InputError(
            f"{shown}: tiles of {runner.config.name} are exact at multiples of {tiling.step} alone; give a --tile-size "
            f"of such multiples, {'x'.join(str(next_multiple(side, tiling.step)) for side in size)} for example"
        )

"""Networks of users in an export: the archive of one, and the graphs of it that are right."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from edgesr.export.foreign import child_process
from edgesr.export.foreign.onnx_weights import weights_next_to
from edgesr.export.formats.onnx_target import ONNX
from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.options import ExportOptions
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.stages.runner import StageRunner
from edgesr.runtimes.bundle.contract import Colour, Tiling
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import Progress, notice
from edgesr.runtimes.wording import printable


def cached_archive(options: ExportOptions, cache: StageCache, progress: Progress) -> Path:
    """The archive of a user's network, made by its own code unless it is in the cache; what was found is told."""
    folder = _made_of_onnx(options, options.onnx, cache) if options.onnx is not None else _built(options, cache)
    child_process.tell_notes(folder, progress)
    return folder / child_process.FILE


def _made_of_onnx(options: ExportOptions, file: Path, cache: StageCache) -> Path:
    return cache.run(
        Stage("onnx-source", child_process.wrap, ("onnx", "onnxruntime")),
        file,
        printable(file.name),
        weights_next_to(file),
        _stated(options),
    )


def _built(options: ExportOptions, cache: StageCache) -> Path:
    file, function = options.factory()
    return cache.run(
        Stage("module", child_process.build),
        file,
        function,
        options.checkpoint,
        child_process.python_files(file),
        _stated(options),
    )


def _stated(options: ExportOptions) -> child_process.Stated:
    colour = cast(Colour | None, options.colour)
    return child_process.Stated(peak=options.peak, multiple=options.multiple, colour=colour)


def with_exact_tiles(
    options: ExportOptions, plans: list[ArtifactPlan], runner: StageRunner, progress: Progress
) -> list[ArtifactPlan]:
    """The options without tile graphs of a user's network whose tiles are not exact; raises InputError if nothing is
    left.

    Where they were asked for nevertheless, their error is told.
    """
    tiling = runner.tiling
    if tiling.passes > 1:
        return _of_onnx(plans, tiling, progress)
    if tiling.exact or tiling.error is None or "tile" not in options.graphs:
        return plans
    error = inexact_tiles(runner.config.name, tiling)
    if tiling.halo is not None:
        notice(progress, f"{error}: its tile graphs do not give the picture of the whole image")
        return plans
    rest = [plan for plan in plans if plan.graph != "tile"]
    if not rest:
        raise InputError(f"{error}: export it with --graph full, or --allow-inexact-tiles")
    notice(progress, f"{error}: it is exported without tile graphs, for images that it takes whole")
    return rest


def _of_onnx(plans: list[ArtifactPlan], tiling: Tiling, progress: Progress) -> list[ArtifactPlan]:
    """The options without tile graphs of other targets than ONNX: a graph that takes pooled means is an ONNX file."""
    kept = [plan for plan in plans if plan.graph != "tile" or plan.target is ONNX]
    if len(kept) < len(plans):
        passes = f"{tiling.passes} passes over all tiles, for its pooled means"
        notice(progress, f"tiles are exact in {passes}: tile graphs are made of onnx alone")
    return kept


def inexact_tiles(name: str, tiling: Tiling) -> str:
    """The reason why there are no tile graphs of a network."""
    return f"tiles of {name} differ from the whole picture by {tiling.error_text}"

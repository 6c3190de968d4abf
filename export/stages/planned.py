"""The plan of int8 for a tile graph: searched within its budget, or taken from the user's file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgesr.export.calibration.network_tiles import network_tiles
from edgesr.export.quantization.plan import Plan, read_plan
from edgesr.export.quantization.planning.plan_file import load_plan, require_same_network, save_plan
from edgesr.export.quantization.settings import QuantizationSettings
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.steps import int8_plan
from edgesr.runtimes.arrays import FloatArray, Image
from edgesr.runtimes.bundle.manifest import Glue
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.glue.colour import network_image
from edgesr.runtimes.progress import Progress, notice
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.foreign.contract import Contract


def given_plan(path: Path, progress: Progress) -> Plan | None:
    """The plan of a file, None where there is none yet; an InputError for what is no plan or could not be written."""
    if path.exists():
        plan = load_plan(path)
        if plan.missed is not None:
            notice(progress, f"{path}: this plan misses the budget that it was made for: {plan.missed}")
        return plan
    if not path.parent.is_dir():
        raise InputError(f"--plan {path}: no such folder as {path.parent}; make it, or give a plan that exists")
    return None


def plan_of(
    cache: StageCache,
    tile_file: Path,
    quantization: QuantizationSettings,
    *,
    config: GeneratorConfig | Contract,
    glue: Glue,
    progress: Progress,
) -> Plan:
    """The user's; else the one that is found, which is written into the user's file.

    An EdgesrError where none keeps its budget: it is written nevertheless.
    """
    import onnx

    file = quantization.plan_file
    if file is not None and quantization.given_plan is not None:
        require_same_network(file, quantization.given_plan, onnx.load(tile_file))
        return quantization.given_plan
    plan = read_plan(_searched(cache, tile_file, quantization, config, glue, progress))
    if file is not None and not file.exists():
        save_plan(file, plan, sha256_of(tile_file))
        notice(progress, f"{file}: the plan of int8 is written")
    if plan.missed is not None:
        raise EdgesrError(plan.missed)
    return plan


def tiles_of(tiles: Sequence[Image], config: GeneratorConfig | Contract) -> tuple[FloatArray, ...]:
    """RGB tiles (3,h,w) as a network takes them."""
    return network_tiles(tiles, colour=config.colour, least_side=config.minimum_side, multiple=config.multiple)


def _searched(
    cache: StageCache,
    tile_file: Path,
    quantization: QuantizationSettings,
    config: GeneratorConfig | Contract,
    glue: Glue,
    progress: Progress,
) -> Path:
    """The folder of the plan that the search found."""
    pairs = () if quantization.validation is None else quantization.validation.pairs
    return cache.run(
        Stage("quantization-plan", int8_plan.search),
        tile_file,
        tiles=tiles_of(quantization.calibration.tiles, config),
        selection=tiles_of(quantization.calibration.selection, config),
        asked=quantization.asked,
        range_method=quantization.range_method,
        scale=config.scale,
        glue=glue,
        photographs=tuple((network_image(lr, config.colour), network_image(hr, config.colour)) for lr, hr in pairs),
        tell=lambda text: notice(progress, text),
    )

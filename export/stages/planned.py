"""The plan of int8 for a tile graph: searched within its budget, or taken from the user's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
    """The plan of a file, None where there is none yet; raises an InputError for what is no plan or could not be
    written.
    """
    if path.exists():
        plan = load_plan(path)
        if plan.missed is not None:
            notice(progress, f"{path}: this plan misses the budget that it was made for: {plan.missed}")
        return plan
    if not path.parent.is_dir():
        raise InputError(f"--plan {path}: no such folder as {path.parent}; make it, or give a plan that exists")
    return None


@dataclass(frozen=True, kw_only=True)
class Planning:
    """Values that the plans of one network share: its cache, its properties, and the way to tell the user."""

    cache: StageCache
    config: GeneratorConfig | Contract
    glue: Glue
    progress: Progress
    _plans: list[tuple[Path, QuantizationSettings, Plan]] = field(default_factory=list, init=False, repr=False)

    def plan(self, tile_file: Path, quantization: QuantizationSettings) -> Plan:
        """The user's; else the one that is found, which is written into the user's file. Each is made once.

        Raises an EdgesrError where none keeps its budget: it is written nevertheless.
        """
        known = (plan for file, asked, plan in self._plans if file == tile_file and asked is quantization)
        plan = next(known, None)
        if plan is None:
            plan = self._given_or_found(tile_file, quantization)
            self._plans.append((tile_file, quantization, plan))
        if plan.missed is not None and quantization.given_plan is None:
            raise EdgesrError(plan.missed)
        return plan

    def _given_or_found(self, tile_file: Path, quantization: QuantizationSettings) -> Plan:
        file = quantization.plan_file
        if file is not None and quantization.given_plan is not None:
            return _of_same_network(quantization.given_plan, file, tile_file)
        validation = quantization.validation
        plan = replace(
            read_plan(self._searched(tile_file, quantization)),
            calibration=quantization.calibration.record(),
            validation=None if validation is None else validation.source,
        )
        if file is not None and not file.exists():
            save_plan(file, plan, sha256_of(tile_file))
            notice(self.progress, f"{file}: the plan of int8 is written")
        return plan

    def tiles(self, tiles: Sequence[Image]) -> tuple[FloatArray, ...]:
        """RGB tiles (3,h,w) as the network takes them."""
        config = self.config
        return network_tiles(tiles, colour=config.colour, least_side=config.minimum_side, multiple=config.multiple)

    def _searched(self, tile_file: Path, quantization: QuantizationSettings) -> Path:
        """The folder of the plan that the search found."""
        colour = self.config.colour
        pairs = () if quantization.validation is None else quantization.validation.pairs
        return self.cache.run(
            Stage("quantization-plan", int8_plan.search),
            tile_file,
            tiles=self.tiles(quantization.calibration.tiles),
            selection=self.tiles(quantization.calibration.selection),
            asked=quantization.asked,
            range_method=quantization.range_method,
            scale=self.config.scale,
            glue=self.glue,
            photographs=tuple((network_image(lr, colour), network_image(hr, colour)) for lr, hr in pairs),
            tell=lambda text: notice(self.progress, text),
        )


def _of_same_network(plan: Plan, file: Path, tile_file: Path) -> Plan:
    import onnx

    require_same_network(file, plan, onnx.load(tile_file))
    return plan

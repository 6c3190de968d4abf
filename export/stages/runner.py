"""The cached stages of an export: normalise the checkpoint, measure it, convert it, record goldens.

Imports no torch: a converter is loaded only when its stage is not in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Concatenate, ParamSpec

from edgesr.export.formats.onnx_target import ONNX
from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.quantization.plan import Calibrated, Plan, Range, read_ranges
from edgesr.export.quantization.precisions import FLOAT, PRECISIONS
from edgesr.export.quantization.settings import QuantizationSettings
from edgesr.export.records import REMAKE, GoldenRecord, Measurement, read_float_layers, read_goldens, read_measurement
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.stages.planned import Planning
from edgesr.export.steps import checkpoint, goldens, measurement, wide_ranges
from edgesr.export.steps.rewriting import Rewriting, taken_size
from edgesr.export.tiling import pooled_measurement
from edgesr.export.tiling.pooled_measurement import FOUND_FILE, MODEL_FILE, RESULT_FILE, Found, Pooled
from edgesr.export.tiling.tile_proof import inexact_halo, is_sparse
from edgesr.runtimes.bundle.contract import Tiling, channels_of
from edgesr.runtimes.bundle.manifest import Glue, GraphKind, Size
from edgesr.runtimes.errors import EdgesrError, InputError, MissingPackageError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.packages import installed_version
from edgesr.runtimes.progress import Progress, notice, silent
from edgesr.runtimes.wording import counted
from edgesr.sr_model.generators.checkpoint import read_header
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.foreign.archive import is_archive, read_contract
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.glue import read_glue
from edgesr.sr_model.generators.weights_file import is_safetensors, require_file

P = ParamSpec("P")


class StageRunner:
    """Runs stages for one checkpoint through a cache; ``inexact_tiles``: tile graphs whatever their error;
    ``pooled_tiles``: those of ONNX may take means that the network pools."""

    def __init__(
        self,
        cache: StageCache,
        checkpoint: Path,
        progress: Progress = silent,
        *,
        inexact_tiles: bool = False,
        pooled_tiles: bool = False,
    ) -> None:
        require_file(checkpoint)
        self._cache = cache
        self._given = checkpoint
        self._progress = progress
        self._told: set[str] = set()
        self._inexact_tiles, self._pooled_tiles = inexact_tiles, pooled_tiles

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the checkpoint as it was given."""
        return sha256_of(self._given)

    @cached_property
    def config(self) -> GeneratorConfig | Contract:
        """The generator's config."""
        if is_archive(self._given):
            return read_contract(self._given)
        return read_header(self.checkpoint).config

    @cached_property
    def glue(self) -> Glue:
        """Arithmetic around a tile graph."""
        if isinstance(self.config, Contract):
            return Glue(upsample="none", noise_level=None, alpha=None)
        return read_glue(self.checkpoint, self.config)

    @cached_property
    def measurement(self) -> Measurement:
        """Halo, cost and parameters."""
        return read_measurement(self._cache.run(Stage("measure", measurement.measure), self.checkpoint))

    @cached_property
    def tiling(self) -> Tiling:
        """The comparison of the generator's tiles with whole pictures; with a halo if tiles that are not exact were
        asked for.
        """
        tiling = self.measurement.tiling
        if tiling.verdict == "proven" or tiling.error is None:
            return tiling
        if self.pooled.tiling is not None:
            return self.pooled.tiling
        if tiling.exact:
            return tiling
        return replace(tiling, halo=inexact_halo(tiling.step)) if self._inexact_tiles else tiling

    @cached_property
    def pooled(self) -> Pooled:
        """The comparison of tiles for a network that gets its pooled means; None if it has none, or no ONNX file."""
        if not self._pooled_tiles:
            return Pooled(None, 0)
        full = self._onnx_file_if_any("full")
        if full is None:
            return Pooled(None, 0)
        found = self._cache.run(Stage("find-pools", pooled_measurement.find, ("onnx",)), full)
        if not read_record(Found, found / FOUND_FILE, remake=REMAKE).pools:
            return Pooled(None, 0)
        tile = self._onnx_file_if_any("tile")
        if tile is None:
            return Pooled(None, 0)
        return read_record(Pooled, self._pooled_folder(tile) / RESULT_FILE, remake=REMAKE)

    def has_onnx_file(self, graph: GraphKind) -> bool:
        """Whether the float32 ONNX file of a graph can be made; makes it."""
        return self._onnx_file_if_any(graph) is not None

    def _onnx_file_if_any(self, graph: GraphKind) -> Path | None:
        """The ONNX file; None if it cannot be made: its artifact then tells the reason."""
        try:
            return self.onnx_file(graph)
        except (InputError, MissingPackageError):
            raise
        except EdgesrError:
            return None

    def _pooled_folder(self, tile: Path) -> Path:
        config, cost = self.config, self.measurement.mac_per_hr_pixel
        network = pooled_measurement.Network(
            scale=config.scale,
            channels=channels_of(config.colour),
            multiple=config.multiple,
            least_side=config.minimum_side,
            sparse=is_sparse(cost, config.scale),
        )
        return self._cache.run(Stage("pooled", pooled_measurement.measure, ("onnx", "onnxruntime")), tile, network)

    def is_pooled(self, plan: ArtifactPlan) -> bool:
        """Whether an artifact takes pooled means."""
        return plan.target is ONNX and plan.graph == "tile" and self.tiling.passes > 1

    def artifact(
        self, plan: ArtifactPlan, quantization: QuantizationSettings | None = None
    ) -> tuple[Path, dict[str, str]]:
        """File of one artifact and the package versions that made it."""
        versions = {name: installed_version(name) or "absent" for name in plan.target.packages}
        source = self.float_file(plan)
        if plan.precision == FLOAT:
            return (self._pooled_folder(source) / MODEL_FILE if self.is_pooled(plan) else source), versions
        coarse = PRECISIONS[plan.precision].coarse_glue or plan.precision in plan.target.coarse_glue
        if coarse and plan.graph == "full" and self.glue.noise_level is not None:
            raise EdgesrError(
                f"{plan.id}: {plan.precision} has too few digits for the noise level and the norm of a whole image; "
                "export its tile graph"
            )
        assert plan.target.rewrite is not None
        folder = self.run(plan, plan.target.rewrite, self._rewriting(plan, quantization), source, plan.graph)
        file = folder / plan.target.file_name
        if (left := read_float_layers(folder)).names:
            count, names = counted(len(left.names), "layer"), ", ".join(left.names)
            self._tell_once(f"{plan.id}: {count} with {left.mac_share:.0%} of the work cannot leave float32: {names}")
        return (self._with_given_means(plan, file) if self.is_pooled(plan) else file), versions

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            notice(self._progress, text)

    def _with_given_means(self, plan: ArtifactPlan, file: Path) -> Path:
        if plan.precision == "fp16a":
            raise EdgesrError("sums of the features that the network pools do not fit into float16; export fp16")
        stage = Stage(f"pooled-{plan.id}", pooled_measurement.give_means, ("onnx",))
        return self._cache.run(stage, file, self.config.minimum_side) / MODEL_FILE

    def plan(self, quantization: QuantizationSettings) -> Plan:
        """The choice of int8 layers, ranges and biases for the tile graph; raises an EdgesrError where a budget is
        missed.
        """
        return self._planning.plan(self.onnx_file("tile"), quantization)

    @cached_property
    def _planning(self) -> Planning:
        return Planning(cache=self._cache, config=self.config, glue=self.glue, progress=self._progress)

    def wide_ranges(self, quantization: QuantizationSettings) -> dict[str, Range]:
        """Ranges of the tile graph for 16-bit activations."""
        stage = Stage("wide-ranges", wide_ranges.measure)
        tiles = self._planning.tiles(quantization.calibration.tiles)
        return read_ranges(self._cache.run(stage, self.onnx_file("tile"), tiles))

    def goldens(self, tile_size: Size) -> tuple[Path, tuple[GoldenRecord, ...]]:
        """Folder of recorded tensors and their records."""
        folder = self._cache.run(Stage("goldens", goldens.record), self.checkpoint, tile_size)
        return folder, read_goldens(folder)

    @cached_property
    def checkpoint(self) -> Path:
        """The checkpoint as one of our safetensors files."""
        if is_archive(self._given) or is_safetensors(self._given):
            return self._given
        return self._cache.run(Stage("checkpoint", checkpoint.normalise), self._given) / checkpoint.FILE

    def onnx_file(self, graph: GraphKind, *, zero_padded: bool = False) -> Path:
        """The float32 ONNX file of a graph, of any height and width."""
        return self.float_file(ArtifactPlan(ONNX, graph, FLOAT, None, zero_padded))

    def run(
        self, plan: ArtifactPlan, step: Callable[Concatenate[Path, P], None], *args: P.args, **kwargs: P.kwargs
    ) -> Path:
        """The folder of what a step made for an artifact."""
        precision = () if plan.precision == FLOAT else (plan.precision,)
        stage = Stage("-".join((plan.target.name, *precision, plan.graph)), step, plan.target.packages)
        return self._cache.run(stage, *args, **kwargs)

    def float_file(self, plan: ArtifactPlan) -> Path:
        """The float32 file that one of an artifact's precision is made of."""
        try:
            return plan.target.convert(self, replace(plan, precision=FLOAT)) / plan.target.file_name
        except (EdgesrError, OSError):
            raise
        except Exception as error:
            if not isinstance(self.config, Contract):
                raise
            raise EdgesrError(in_one_line(error)) from error  # a converter met a network that it cannot take

    def _rewriting(self, plan: ArtifactPlan, quantization: QuantizationSettings | None) -> Rewriting:
        calibration = PRECISIONS[plan.precision].calibration
        calibrated = Calibrated()
        if calibration is not None and quantization is not None:
            calibrated = calibration.measure(self, quantization)
        return Rewriting(
            precision=plan.precision,
            tile_file=self.onnx_file("tile", zero_padded=plan.zero_padded),
            planned_file=self.onnx_file("tile") if plan.zero_padded and calibration is not None else None,
            calibrated=calibrated,
            size=taken_size(least_side=self.config.minimum_side, multiple=self.config.multiple),
        )

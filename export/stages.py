"""The cached stages of an export: normalise the checkpoint, measure it, convert it, record goldens.

Imports no torch: a converter is loaded only when its stage is not in the cache.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from export.cache import Stage, StageCache
from export.plan import Plan, Range, read_plan, read_ranges, write_plan, write_ranges
from export.quantization import Quantization
from export.records import GoldenRecord, Measurement, read_goldens, read_measurement, write_measurement
from export.stage_sources import (
    CHECKPOINT_STAGE,
    CONVERSIONS,
    GOLDENS_STAGE,
    MEASURE_STAGE,
    PLAN_STAGE,
    RANGES_STAGE,
    REWRITES,
)
from export.targets import INPUT_NAME, OUTPUT_NAMES, TARGETS, ArtifactPlan
from runtimes.files import sha256_of
from runtimes.manifest import Glue, Size
from runtimes.progress import Progress, notice, silent
from runtimes.projection import apply_residual
from sr_model.checkpoint import is_safetensors, load_checkpoint, read_header, require_file, save_checkpoint
from sr_model.config import GeneratorConfig

if TYPE_CHECKING:
    from export.precisions import Recipe
    from sr_model.generator import Generator

_TRACE_SIZE: Size = (64, 64)
_PROOF_SIZES: tuple[Size, ...] = ((32, 48), (33, 47))


class StageRunner:
    """Runs stages for one checkpoint through a cache."""

    def __init__(self, cache: StageCache, checkpoint: Path, progress: Progress = silent) -> None:
        require_file(checkpoint)
        self._cache = cache
        self._checkpoint = checkpoint
        self._progress = progress

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the checkpoint as it was given."""
        return sha256_of(self._checkpoint)

    @cached_property
    def config(self) -> GeneratorConfig:
        """The generator's config."""
        return read_header(self._safetensors).config

    @cached_property
    def glue(self) -> Glue:
        """Arithmetic around a tile graph: noise level and the learned alpha, where the generator has a projection."""
        if not self.config.projection:
            return Glue(upsample="bilinear", noise_level=None, alpha=None)
        from safetensors import safe_open

        with safe_open(self._safetensors, framework="numpy") as tensors:
            alpha = float(tensors.get_tensor("projection.alpha")[0])
        return Glue(upsample="bilinear", noise_level="db7-mad", alpha=alpha)

    @cached_property
    def measurement(self) -> Measurement:
        """Halo, cost and parameters."""

        def produce(folder: Path) -> None:
            from export.graphs import count_mac_per_hr_pixel, measure_halo

            generator = self._generator
            parameters = sum(p.numel() for p in generator.parameters())
            result = Measurement(measure_halo(generator), count_mac_per_hr_pixel(generator), parameters)
            write_measurement(folder, result)

        return read_measurement(self._cache.run(MEASURE_STAGE, self._inputs, produce))

    def artifact(
        self, plan: ArtifactPlan, tile_size: Size, quantization: Quantization | None = None
    ) -> tuple[Path, dict[str, str]]:
        """File of one artifact and the package versions that made it."""
        modules = CONVERSIONS if plan.precision == "fp32" else REWRITES
        stage = Stage(f"{plan.target.name}-{plan.graph}", modules[plan.target.name], plan.target.packages)
        size = tile_size if plan.tile_size else None
        inputs = {**self._inputs, "graph": plan.graph, "precision": plan.precision, "size": size}
        inputs["zero_padded"] = plan.zero_padded
        if quantization is not None:
            inputs |= quantization.inputs()
        name = f"model{plan.target.suffix}"
        if plan.precision == "fp32":
            folder = self._cache.run(stage, inputs, lambda folder: self._convert(plan, folder / name))
        else:
            stage = replace(stage, name=f"{plan.target.name}-{plan.precision}-{plan.graph}")
            folder = self._cache.run(
                stage, inputs, lambda folder: self._rewrite(plan, tile_size, quantization, folder / name)
            )
        return folder / name, stage.versions()

    def plan(self, quantization: Quantization) -> Plan:
        """The choice of int8 layers, ranges and biases for the tile graph."""

        def produce(folder: Path) -> None:
            import onnx

            from export.quantization_plan import Planner

            calibration = quantization.calibration
            planner = Planner(
                onnx.load(self._tile_graph()),
                calibration.tiles,
                calibration.selection,
                lambda tile, residual: apply_residual(tile, residual, scale=self.config.scale, glue=self.glue),
                lambda text: notice(self._progress, text),
            )
            write_plan(folder, planner.search(quantization.budget, quantization.range_method))

        inputs = {**self._inputs, "scale": self.config.scale, **quantization.inputs()}
        return read_plan(self._cache.run(PLAN_STAGE, inputs, produce))

    def _wide_ranges(self, quantization: Quantization) -> dict[str, Range]:
        """Ranges of the tile graph for 16-bit activations."""

        def produce(folder: Path) -> None:
            import onnx

            from export.precisions import wide_ranges

            write_ranges(folder, wide_ranges(onnx.load(self._tile_graph()), quantization.calibration.tiles))

        inputs = {**self._inputs, "calibration": quantization.calibration.sha256}
        return read_ranges(self._cache.run(RANGES_STAGE, inputs, produce))

    def goldens(self, tile_size: Size) -> tuple[Path, tuple[GoldenRecord, ...]]:
        """Folder of recorded tensors and their records."""

        def produce(folder: Path) -> None:
            from export.goldens import record_goldens

            record_goldens(self._generator, tile_size, folder)

        folder = self._cache.run(GOLDENS_STAGE, {**self._inputs, "size": tile_size}, produce)
        return folder, read_goldens(folder)

    @cached_property
    def _safetensors(self) -> Path:
        """The checkpoint as one of our safetensors files."""
        if is_safetensors(self._checkpoint):
            return self._checkpoint

        def produce(folder: Path) -> None:
            save_checkpoint(folder / "generator.safetensors", load_checkpoint(self._checkpoint), {})

        return self._cache.run(CHECKPOINT_STAGE, {"sha256": self.sha256}, produce) / "generator.safetensors"

    @cached_property
    def _inputs(self) -> dict[str, object]:
        return {"sha256": self.sha256}

    @cached_property
    def _generator(self) -> Generator:
        return load_checkpoint(self._safetensors)

    @cached_property
    def _zero_padded_generator(self) -> Generator:
        from sr_model.generator import zero_padded

        return zero_padded(self._generator)

    def _tile_graph(self, *, zero_padded: bool = False) -> Path:
        """The float32 ONNX tile graph."""
        plan = ArtifactPlan(TARGETS["onnx"], "tile", "fp32", None, zero_padded)
        return self.artifact(plan, _TRACE_SIZE)[0]

    def _rewrite(self, plan: ArtifactPlan, tile_size: Size, quantization: Quantization | None, path: Path) -> None:
        from export.precisions import rewrite_onnx, rewrite_tflite

        recipe = self._recipe(plan, quantization)
        source, _ = self.artifact(replace(plan, precision="fp32"), tile_size)
        if plan.target.name == "tflite":
            rewrite_tflite(recipe, source=source, path=path)
        else:
            full = source if plan.graph == "full" else None
            rewrite_onnx(recipe, full_file=full, path=path, tiles=_tiles(*_PROOF_SIZES))

    def _recipe(self, plan: ArtifactPlan, quantization: Quantization | None) -> Recipe:
        from export.precisions import Recipe

        recipe = Recipe(precision=plan.precision, tile_file=self._tile_graph(zero_padded=plan.zero_padded))
        if quantization is None:
            return recipe
        if plan.precision == "int8":
            chosen = self.plan(quantization)
            return replace(recipe, plan=replace(chosen, ranges=self._ranges_for(plan, chosen.ranges)))
        return replace(recipe, ranges=self._ranges_for(plan, self._wide_ranges(quantization)))

    def _ranges_for(self, plan: ArtifactPlan, ranges: dict[str, Range]) -> dict[str, Range]:
        """Ranges of the tile graph, or of its zero-padded form, which has no tensors behind pads."""
        if not plan.zero_padded:
            return ranges
        import onnx

        from export.ranges import zero_padded_ranges

        padded, zero = (onnx.load(self._tile_graph(zero_padded=zero)) for zero in (False, True))
        return zero_padded_ranges(padded, zero, ranges)

    def _convert(self, plan: ArtifactPlan, path: Path) -> None:
        generator = self._zero_padded_generator if plan.zero_padded else self._generator
        if plan.target.name == "torchscript":
            from export.to_torchscript import export_torchscript

            export_torchscript(generator, plan.graph, path, size=_TRACE_SIZE)
        elif plan.target.name == "tflite":
            self._convert_tflite(plan, path)
        else:
            from export.to_onnx import export_onnx

            export_onnx(generator, plan.graph, path, size=_TRACE_SIZE, tiles=_tiles(*_PROOF_SIZES))

    def _convert_tflite(self, plan: ArtifactPlan, path: Path) -> None:
        from export.simplify import simplify
        from export.to_tflite import export_tflite

        assert plan.tile_size is not None
        dynamic, _ = self.artifact(replace(plan, target=TARGETS["onnx"], tile_size=None), plan.tile_size)
        fixed = path.with_suffix(".onnx")
        simplify(dynamic, fixed, tiles=_tiles(plan.tile_size), fixed_size=plan.tile_size)
        names = {"input_name": INPUT_NAME, "output_name": OUTPUT_NAMES[plan.graph]}
        export_tflite(fixed, path, **names, resizable_scale=self.config.scale if plan.graph == "tile" else None)
        fixed.unlink()


def _tiles(*sizes: Size) -> list[NDArray[np.float32]]:
    from export.samples import photograph

    return [photograph("cat", size) for size in sizes]

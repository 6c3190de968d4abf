"""The cached stages of an export: normalise the checkpoint, measure it, convert it, record goldens.

Imports no torch: a converter is loaded only when its stage is not in the cache.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from edgesr.export.formats.targets import TARGETS, ArtifactPlan
from edgesr.export.quantization.plan import Plan, Range, read_plan, read_ranges
from edgesr.export.quantization.settings import QuantizationSettings
from edgesr.export.records import GoldenRecord, Measurement, read_goldens, read_measurement
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.steps import (
    checkpoint,
    goldens,
    int8_plan,
    measurement,
    rewrite_onnx,
    rewrite_tflite,
    to_onnx,
    to_tflite,
    to_torchscript,
    wide_ranges,
)
from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.bundle.manifest import Glue, GraphKind, Size
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.packages import installed_version
from edgesr.runtimes.progress import Progress, notice, silent
from edgesr.sr_model.generators.checkpoint import read_header
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.weights_file import is_safetensors, require_file


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
        return read_measurement(self._cache.run(Stage("measure", measurement.measure), self._safetensors))

    def artifact(
        self, plan: ArtifactPlan, tile_size: Size, quantization: QuantizationSettings | None = None
    ) -> tuple[Path, dict[str, str]]:
        """File of one artifact and the package versions that made it."""
        fp32 = plan.precision == "fp32"
        folder = self._converted(plan) if fp32 else self._rewritten(plan, tile_size, quantization)
        versions = {name: installed_version(name) or "absent" for name in plan.target.packages}
        return folder / f"model{plan.target.suffix}", versions

    def plan(self, quantization: QuantizationSettings) -> Plan:
        """The choice of int8 layers, ranges and biases for the tile graph."""
        folder = self._cache.run(
            Stage("quantization-plan", int8_plan.search),
            self._onnx("tile"),
            tiles=quantization.calibration.tiles,
            selection=quantization.calibration.selection,
            budget=quantization.budget,
            range_method=quantization.range_method,
            scale=self.config.scale,
            glue=self.glue,
            tell=lambda text: notice(self._progress, text),
        )
        return read_plan(folder)

    def goldens(self, tile_size: Size) -> tuple[Path, tuple[GoldenRecord, ...]]:
        """Folder of recorded tensors and their records."""
        folder = self._cache.run(Stage("goldens", goldens.record), self._safetensors, tile_size)
        return folder, read_goldens(folder)

    @cached_property
    def _safetensors(self) -> Path:
        """The checkpoint as one of our safetensors files."""
        if is_safetensors(self._checkpoint):
            return self._checkpoint
        return self._cache.run(Stage("checkpoint", checkpoint.normalise), self._checkpoint) / checkpoint.FILE

    def _converted(self, plan: ArtifactPlan) -> Path:
        """Folder of the float32 file."""
        name, packages = f"{plan.target.name}-{plan.graph}", plan.target.packages
        if plan.target.name == "tflite":
            assert plan.tile_size is not None
            source = self._onnx(plan.graph, zero_padded=plan.zero_padded)
            of_tflite = Stage(name, to_tflite.convert, packages)
            return self._cache.run(of_tflite, source, plan.graph, plan.tile_size, scale=self.config.scale)
        convert = to_onnx.convert if plan.target.name == "onnx" else to_torchscript.convert
        stage = Stage(name, convert, packages)
        return self._cache.run(stage, self._safetensors, plan.graph, zero_padded=plan.zero_padded)

    def _rewritten(self, plan: ArtifactPlan, tile_size: Size, quantization: QuantizationSettings | None) -> Path:
        """Folder of the file of lower precision."""
        name, packages = f"{plan.target.name}-{plan.precision}-{plan.graph}", plan.target.packages
        rewriting = self._rewriting(plan, quantization)
        source, _ = self.artifact(replace(plan, precision="fp32"), tile_size)
        if plan.target.name == "tflite":
            return self._cache.run(Stage(name, rewrite_tflite.rewrite, packages), rewriting, source)
        full = source if plan.graph == "full" else None
        return self._cache.run(Stage(name, rewrite_onnx.rewrite, packages), rewriting, full)

    def _rewriting(self, plan: ArtifactPlan, quantization: QuantizationSettings | None) -> Rewriting:
        planned = self.plan(quantization) if quantization is not None and plan.precision == "int8" else None
        ranges = self._wide_ranges(quantization) if quantization is not None and planned is None else None
        return Rewriting(
            precision=plan.precision,
            tile_file=self._onnx("tile", zero_padded=plan.zero_padded),
            planned_file=self._onnx("tile") if plan.zero_padded and quantization is not None else None,
            plan=planned,
            ranges=ranges,
        )

    def _wide_ranges(self, quantization: QuantizationSettings) -> dict[str, Range]:
        """Ranges of the tile graph for 16-bit activations."""
        stage = Stage("wide-ranges", wide_ranges.measure)
        return read_ranges(self._cache.run(stage, self._onnx("tile"), quantization.calibration.tiles))

    def _onnx(self, graph: GraphKind, *, zero_padded: bool = False) -> Path:
        """A float32 ONNX file."""
        return self._converted(ArtifactPlan(TARGETS["onnx"], graph, "fp32", None, zero_padded)) / "model.onnx"

"""Checkpoint -> bundle: plan, cached stages, assembly, swap."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from export.cache import StageCache, default_cache_dir
from export.records import GoldenRecord
from export.stages import StageRunner
from export.targets import (
    INPUT_NAME,
    OUTPUT_NAMES,
    TARGETS,
    TOLERANCES,
    ArtifactPlan,
    plan_artifacts,
    require_converters,
)
from runtimes.bundle import Bundle, check_output, file_entry, write_bundle
from runtimes.errors import InputError
from runtimes.manifest import (
    SCHEMA_VERSION,
    Artifact,
    Checkpoint,
    FileEntry,
    Golden,
    Manifest,
    Size,
    TensorSpec,
)
from runtimes.progress import Progress, ProgressEvent, silent
from sr_model.checkpoint import DEFAULT_WEIGHTS, embedded_checkpoint

DEFAULT_PRESET = "srrescycgan-mobile"
DEFAULT_TILE_SIZE: Size = (128, 128)


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What to export: a preset's embedded weights of one kind, or a checkpoint; targets, precisions and graphs."""

    preset: str | None = None
    weights: str | None = None
    checkpoint: Path | None = None
    targets: tuple[str, ...] = tuple(TARGETS)
    precisions: tuple[str, ...] = ("fp32",)
    graphs: tuple[str, ...] = ("full", "tile")
    tile_size: Size = DEFAULT_TILE_SIZE

    def source(self) -> Path:
        """The checkpoint file to export."""
        if self.preset is not None and self.checkpoint is not None:
            raise InputError("give a preset or a checkpoint, not both: a checkpoint names its own architecture")
        if self.weights is not None and self.checkpoint is not None:
            raise InputError(
                "give --weights or a checkpoint, not both: --weights chooses among a preset's embedded ones"
            )
        if self.checkpoint is not None:
            return self.checkpoint
        preset = DEFAULT_PRESET if self.preset is None else self.preset
        return embedded_checkpoint(preset, weights=DEFAULT_WEIGHTS if self.weights is None else self.weights)


@dataclass(frozen=True)
class ExportReport:
    """The bundle and the names of the stages that were not in the cache."""

    bundle: Bundle
    conversions: tuple[str, ...]


def export_bundle(
    options: ExportOptions, output: Path, *, cache_dir: Path | None = None, progress: Progress = silent
) -> ExportReport:
    """Export a checkpoint to a bundle. Everything that can be refused is refused before any conversion."""
    plans = plan_artifacts(options.targets, options.precisions, options.graphs, options.tile_size)
    source = options.source()
    check_output(output)
    require_converters(plans)
    cache = StageCache(cache_dir or default_cache_dir())
    with cache.locked():
        runner = StageRunner(cache, source)
        _check_tile_size(options, runner)
        converted = []
        for done, plan in enumerate(plans):
            progress(ProgressEvent("export", done, len(plans) + 1, plan.id))
            converted.append((plan, *runner.artifact(plan, options.tile_size)))
        progress(ProgressEvent("export", len(plans), len(plans) + 1, "goldens"))
        goldens = runner.goldens(options.tile_size)
        assembly = _Assembly(runner, source.name, options.tile_size, converted, goldens)
        bundle = write_bundle(output, assembly.fill)
    progress(ProgressEvent("export", len(plans) + 1, len(plans) + 1, str(output)))
    return ExportReport(bundle, tuple(cache.conversions))


def _check_tile_size(options: ExportOptions, runner: StageRunner) -> None:
    size, least = options.tile_size, runner.config.minimum_side
    shown = f"tile size {size[0]}x{size[1]}"
    if min(size) < least:
        raise InputError(f"{shown} is too small for the reflect pads of {runner.config.name}: at least {least}x{least}")
    halo = runner.measurement.halo
    if "tile" in options.graphs and min(size) <= 2 * halo:
        raise InputError(
            f"{shown} leaves nothing inside the halo of {halo} pixels on each side: at least {2 * halo + 1} a side, "
            "or --graph full"
        )


@dataclass(frozen=True)
class _Assembly:
    """Copies stage results into a bundle directory and describes them."""

    runner: StageRunner
    checkpoint_name: str
    tile_size: Size
    converted: list[tuple[ArtifactPlan, Path, dict[str, str]]]
    goldens: tuple[Path, tuple[GoldenRecord, ...]]

    def fill(self, root: Path) -> Manifest:
        (root / "goldens").mkdir()
        measurement = self.runner.measurement
        return Manifest(
            schema_version=SCHEMA_VERSION,
            edgesr_version=metadata.version("edgesr"),
            generator=dataclasses.asdict(self.runner.config),
            scale=self.runner.config.scale,
            minimum_side=self.runner.config.minimum_side,
            tile_size=self.tile_size,
            glue=self.runner.glue,
            checkpoint=Checkpoint(
                name=self.checkpoint_name, sha256=self.runner.sha256, parameters=measurement.parameters
            ),
            artifacts=tuple(self._artifact(root, *item) for item in self.converted),
            goldens=tuple(self._golden(root, record) for record in self.goldens[1]),
        )

    def _artifact(self, root: Path, plan: ArtifactPlan, source: Path, versions: dict[str, str]) -> Artifact:
        file = root / f"{plan.id}{plan.target.suffix}"
        shutil.copyfile(source, file)
        return Artifact(
            id=plan.id,
            format=plan.target.name,
            runtimes=plan.target.runtimes,
            graph=plan.graph,
            precision=plan.precision,
            tile_size=plan.tile_size,
            halo=self.runner.measurement.halo if plan.graph == "tile" else None,
            padding=self.runner.config.padding,
            file=file_entry(root, file),
            inputs=(self._spec(plan, INPUT_NAME, 1, (0.0, 255.0)),),
            outputs=(
                self._spec(
                    plan,
                    OUTPUT_NAMES[plan.graph],
                    self.runner.config.scale,
                    (0.0, 255.0) if plan.graph == "full" else None,
                ),
            ),
            mac_per_hr_pixel=self.runner.measurement.mac_per_hr_pixel,
            made_by={"edgesr": metadata.version("edgesr"), **versions},
            least_runtime=dict(plan.target.least_runtime),
            legacy=plan.target.legacy,
            quantization=None,
        )

    def _spec(self, plan: ArtifactPlan, name: str, scale: int, values: tuple[float, float] | None) -> TensorSpec:
        height, width = (side * scale for side in plan.tile_size) if plan.tile_size else (None, None)
        shape = (1, 3, height, width) if plan.target.layout == "NCHW" else (1, height, width, 3)
        return TensorSpec(
            name=name, shape=shape, dtype="float32", layout=plan.target.layout, range=values, quantization=None
        )

    def _golden(self, root: Path, record: GoldenRecord) -> Golden:
        def copied(name: str) -> FileEntry:
            target = root / "goldens" / name
            shutil.copyfile(self.goldens[0] / name, target)
            return file_entry(root, target)

        return Golden(
            id=record.id,
            size=record.size,
            k=record.k,
            sigma=record.sigma,
            source=record.source,
            input=copied(record.files["input"]),
            output=copied(record.files["output"]),
            residual=copied(record.files["residual"]),
            intermediates={name: copied(file) for name, file in record.intermediates.items()},
            tolerances=TOLERANCES,
        )

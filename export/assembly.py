"""Stage results -> bundle directory and manifest."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from edgesr.export.conversions.graph_names import INPUT_NAME, OUTPUT_NAMES
from edgesr.export.foreign.onnx_weights import sha256_with_weights
from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.options import ExportOptions
from edgesr.export.quantization.plan import OWN_TOLERATED
from edgesr.export.quantization.precisions import PRECISIONS, tolerances
from edgesr.export.quantization.record import with_float_layers
from edgesr.export.quantization.settings import QuantizationSettings
from edgesr.export.records import GoldenRecord, read_float_layers
from edgesr.export.stages.converted import ConvertedArtifact
from edgesr.export.stages.model_files import MODEL, model_files
from edgesr.export.stages.runner import StageRunner
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.calibrated_quantization import QuantizationRecord
from edgesr.runtimes.bundle.contract import channels_of
from edgesr.runtimes.bundle.manifest import (
    SCHEMA_VERSION,
    Artifact,
    Checkpoint,
    FileEntry,
    Golden,
    Manifest,
    TensorSpec,
    Tolerance,
)
from edgesr.runtimes.bundle.writing import file_entry
from edgesr.sr_model.generators.foreign.contract import Contract


@dataclass(frozen=True)
class Assembly:
    """Copies stage results into a bundle directory and describes them."""

    runner: StageRunner
    checkpoint_name: str
    options: ExportOptions
    quantization: QuantizationSettings | None
    converted: list[ConvertedArtifact]
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
            multiple=self.runner.config.multiple,
            colour=self.runner.config.colour,
            tiling=self.runner.tiling,
            reference="pytorch" if self.options.onnx is None else "onnxruntime",
            tile_size=self.options.tile_size,
            glue=self.runner.glue,
            checkpoint=Checkpoint(
                name=self.checkpoint_name,
                sha256=self.runner.sha256 if self.options.onnx is None else sha256_with_weights(self.options.onnx),
                parameters=measurement.parameters,
            ),
            artifacts=tuple(self._artifact(root, item) for item in self.converted),
            goldens=tuple(self._golden(root, record) for record in self.goldens[1]),
        )

    def _artifact(self, root: Path, converted: ConvertedArtifact) -> Artifact:
        plan = converted.plan
        return Artifact(
            id=plan.id,
            format=plan.target.name,
            uses=converted.uses,
            graph=plan.graph,
            precision=plan.precision,
            tile_size=plan.tile_size,
            halo=self.runner.tiling.halo if plan.graph == "tile" else None,
            padding="zero" if plan.zero_padded else self.runner.config.padding,
            inside_only=plan.zero_padded,
            inside=converted.inside,
            files=tuple(
                _copied(place, file, plan.id, root)
                for place, file in model_files(converted.folder, converted.file).items()
            ),
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
            made_by={"edgesr": metadata.version("edgesr"), **converted.versions},
            least_runtime={name: least for name, least in plan.target.least_runtime if name in _distributions(plan)},
            legacy=plan.target.legacy,
            quantization=self._quantization_record(converted),
            bounds=converted.bounds,
            pooled=self.runner.pooled.means if self.runner.is_pooled(plan) else 0,
        )

    @cached_property
    def _tolerances(self) -> dict[str, Tolerance]:
        """The tolerances of the precisions; those of int8 follow its plan."""
        own = not isinstance(self.runner.config, Contract)
        if self.quantization is None or all(c.plan.precision != "int8" for c in self.converted):
            return tolerances(OWN_TOLERATED)
        return tolerances(self.runner.plan(self.quantization).tolerated(own=own))

    def _quantization_record(self, converted: ConvertedArtifact) -> QuantizationRecord | None:
        plan = converted.plan
        calibration = PRECISIONS[plan.precision].calibration
        if self.quantization is None or calibration is None:
            return None
        found = calibration.measure(self.runner, self.quantization)
        record = calibration.record(found, self.quantization, plan.target.reduced_range)
        return with_float_layers(record, read_float_layers(converted.folder))

    def _spec(self, plan: ArtifactPlan, name: str, scale: int, values: tuple[float, float] | None) -> TensorSpec:
        height, width = (side * scale for side in plan.tile_size) if plan.tile_size else (None, None)
        channels = channels_of(self.runner.config.colour)
        shape = (1, channels, height, width) if plan.target.layout == "NCHW" else (1, height, width, channels)
        return TensorSpec(name=name, shape=shape, dtype="float32", layout=plan.target.layout, range=values)

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
            zero_padded_residual=copied(zero) if (zero := record.files.get("zero_padded_residual")) else None,
            intermediates={name: copied(file) for name, file in record.intermediates.items()},
            tolerances=self._tolerances,
        )


def _copied(place: str, file: Path, artifact_id: str, root: Path) -> FileEntry:
    """A file of a model in the bundle: named by the artifact's id where its stage named it "model"."""
    target = root / f"{artifact_id}{place.removeprefix(MODEL)}"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    return file_entry(root, target)


def _distributions(plan: ArtifactPlan) -> set[str]:
    """Packages of the runtimes that open an artifact."""
    return {RUNTIMES[name].distribution for name in plan.runtimes}

"""One planned artifact -> its file with what it costs, and the zero-padded variant that is faster inside an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgesr.export.conversions.lower_precision_check import Checked, check_lower_precision
from edgesr.export.formats.target import ArtifactPlan, DelegateStep
from edgesr.export.quantization.precisions import FLOAT, PRECISIONS
from edgesr.export.quantization.settings import QuantizationSettings
from edgesr.export.records import REMAKE, fixed_size, read_delegate_use, read_float_layers, read_taken_sizes
from edgesr.export.stages.cache import Stage, StageCache, stage_folder
from edgesr.export.stages.cost_meter import CostMeter
from edgesr.export.stages.runner import StageRunner
from edgesr.export.steps.delegate import RESULT_FILE
from edgesr.export.tiling.resized import RESULT_FILE as RESIZED_FILE
from edgesr.export.tiling.resized import Resized, prove_resized
from edgesr.runtimes.adapters.registry import is_usable, runtime_info
from edgesr.runtimes.bundle.contract import channels_of, next_multiple
from edgesr.runtimes.bundle.delegation import DelegateUse
from edgesr.runtimes.bundle.manifest import Glue, InsideVariant, RunMemory, RuntimeUse, Size
from edgesr.runtimes.bundle.size_bounds import SizeBounds
from edgesr.runtimes.errors import EdgesrError, InputError, MissingPackageError
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.progress import Progress, notice, silent
from edgesr.sr_model.generators.foreign.contract import Contract

_CHECKED_SIDE = 48
"""Of the images that files of any size are checked on."""


@dataclass(frozen=True, kw_only=True)
class ConvertedArtifact:
    """A file in its stage's ``folder``, the package versions that made it, how each runtime of its target takes it."""

    plan: ArtifactPlan
    file: Path
    versions: dict[str, str]
    folder: Path
    uses: tuple[RuntimeUse, ...] = ()
    bounds: SizeBounds | None = None
    inside: InsideVariant | None = None


def convert(
    runner: StageRunner,
    cache: StageCache,
    plan: ArtifactPlan,
    quantization: QuantizationSettings | None,
    progress: Progress = silent,
) -> list[ConvertedArtifact]:
    """The artifact, followed by its zero-padded variant where the generator pads otherwise and the variant pays.

    A variant that cannot be made, or is too far from its float32 file, is left out and told.
    """
    return _Conversion(runner, cache, quantization, progress).convert(plan)


def prepare(
    runner: StageRunner,
    cache: StageCache,
    plan: ArtifactPlan,
    quantization: QuantizationSettings | None,
    progress: Progress = silent,
) -> None:
    """Make and measure what `convert` then finds in the cache, but for what is timed: other work may run next to it."""
    _Conversion(runner, cache, quantization, progress).prepare(plan)


@dataclass(frozen=True)
class _Conversion:
    """Values that the conversions of one export share."""

    runner: StageRunner
    cache: StageCache
    quantization: QuantizationSettings | None
    progress: Progress

    @property
    def meter(self) -> CostMeter:
        config, measurement = self.runner.config, self.runner.measurement
        return CostMeter(
            self.cache,
            scale=config.scale,
            channels=channels_of(config.colour),
            least_side=config.minimum_side,
            mac_per_hr_pixel=measurement.mac_per_hr_pixel,
        )

    def prepare(self, plan: ArtifactPlan) -> None:
        self._converted(plan)

    def convert(self, plan: ArtifactPlan) -> list[ConvertedArtifact]:
        converted = self._converted(plan)
        if plan.graph != "tile" or self.runner.config.padding == "zero" or not _runs_here(plan):
            return [converted]
        inside, variant = self._inside(converted, replace(plan, zero_padded=True))
        return [replace(converted, inside=inside), *variant]

    def _inside(
        self, border: ConvertedArtifact, plan: ArtifactPlan
    ) -> tuple[InsideVariant | None, list[ConvertedArtifact]]:
        """The gain of the zero-padded variant of an artifact, and the variant; the gain is None if it cannot be made or
        run.
        """
        inside = None
        try:
            file, _ = self.runner.artifact(plan, self.quantization)
            inside = self.meter.inside(border.plan, border.file, plan, file)
            return inside, [] if inside.artifact is None else [self._converted(plan)]
        except (InputError, MissingPackageError):
            raise
        except EdgesrError as error:
            notice(self.progress, f"{plan.id} is left out: {error}")
            return None if inside is None else replace(inside, artifact=None), []

    def _converted(self, plan: ArtifactPlan) -> ConvertedArtifact:
        file, versions = self.runner.artifact(plan, self.quantization)
        if plan.precision != FLOAT and _runs_here(plan):
            self._check_lower_precision(plan, file)
        uses = tuple(self._use(plan, file, runtime) for runtime in plan.runtimes)
        sizes = read_taken_sizes(file.parent)
        if sizes.bounds is not None and sizes.why_fixed:
            notice(self.progress, f"{plan.id} takes {sizes.bounds.text} alone: {sizes.why_fixed}")
        return ConvertedArtifact(
            plan=plan,
            file=file,
            versions=versions,
            folder=stage_folder(file) or file.parent,
            uses=uses,
            bounds=sizes.bounds,
        )

    def _check_lower_precision(self, plan: ArtifactPlan, file: Path) -> None:
        """Raise an EdgesrError where a file is too far from its float32 one."""
        config = self.runner.config
        side = next_multiple(max(_CHECKED_SIDE, config.minimum_side), config.multiple)
        checked = Checked(
            id=plan.id,
            runtime=plan.runtimes[0],
            precision=plan.precision,
            layout=plan.target.layout,
            size=plan.tile_size or fixed_size(file) or (side, side),
            scale=config.scale,
            colour=config.colour,
            glue=self.runner.glue if plan.graph == "tile" else Glue(upsample="none", noise_level=None, alpha=None),
            least_psnr_db=self._least_psnr_db(plan, file),
        )
        stage = Stage(f"check-{plan.id}", check_lower_precision)
        self.cache.run(stage, checked, self.runner.float_file(plan), file)

    def _least_psnr_db(self, plan: ArtifactPlan, file: Path) -> float | None:
        """The tolerance of a file that is planned, and run in other arithmetic than its plan was measured in."""
        folder = stage_folder(file)
        if self.quantization is None or folder is None or read_float_layers(folder).measured:
            return None
        own = not isinstance(self.runner.config, Contract)
        tolerated = self.runner.plan(self.quantization).tolerated(own=own)
        return PRECISIONS[plan.precision].tolerance(tolerated).min_psnr_db

    def _use(self, plan: ArtifactPlan, file: Path, runtime: str) -> RuntimeUse:
        inspect = plan.target.inspect_delegate if runtime == plan.runtimes[0] else None
        delegate = read_delegate_use(file.parent) if inspect is None else self._delegate(plan, file, inspect)
        if not is_usable(runtime):
            return RuntimeUse(name=runtime, resizable=False, memory=None, delegate=delegate)
        if plan.graph != "tile":
            self.meter.check_full_graph(plan, file, runtime)
            return RuntimeUse(name=runtime, resizable=False, memory=self._whole(plan, file, runtime), delegate=delegate)
        cost = self.meter.cost(plan, file, runtime)
        if cost.resizable and plan.tile_size is not None and not self._is_same_when_resized(plan, file, plan.tile_size):
            whole = RunMemory(fixed_bytes=cost.memory.bytes_at(plan.tile_size), bytes_per_lr_pixel=0.0)
            return RuntimeUse(name=runtime, resizable=False, memory=whole, delegate=delegate)
        return RuntimeUse(name=runtime, resizable=cost.resizable, memory=cost.memory, delegate=delegate)

    def _is_same_when_resized(self, plan: ArtifactPlan, file: Path, tile: Size) -> bool:
        """Whether a float32 file of a user's network, of which nothing is known, is right at two other sizes."""
        if not isinstance(self.runner.config, Contract) or plan.precision != FLOAT:
            return True
        least = self.runner.config.minimum_side
        smaller, larger = (max(tile[0] // 2, least), max(tile[1] // 2 - 1, least)), (tile[0] + 5, tile[1] + 18)
        stage = Stage(f"resized-{plan.id}", prove_resized)
        folder = self.cache.run(stage, self.runner.onnx_file("tile"), file, sizes=(smaller, larger))
        return not read_record(Resized, folder / RESIZED_FILE, remake=REMAKE).fault

    def _whole(self, plan: ArtifactPlan, file: Path, runtime: str) -> RunMemory | None:
        """Memory of a full graph of any size, which is all that runs large images where no tile is exact."""
        if self.runner.tiling.exact or plan.tile_size is not None:
            return None
        return self.meter.cost(plan, file, runtime).memory

    def _delegate(self, plan: ArtifactPlan, file: Path, inspect: DelegateStep) -> DelegateUse:
        """Predicted for the float32 ONNX graph, found by opening the file in a process of its own."""
        wide = PRECISIONS[plan.precision].wide_activations
        folder = self.cache.run(
            Stage(f"delegate-{plan.id}", inspect),
            self.runner.onnx_file(plan.graph, zero_padded=plan.zero_padded),
            file,
            name=plan.id,
            graph=plan.graph,
            wide_file=self.runner.onnx_file("tile", zero_padded=plan.zero_padded) if wide else None,
        )
        return read_record(DelegateUse, folder / RESULT_FILE, remake=REMAKE)


def _runs_here(plan: ArtifactPlan) -> bool:
    """Whether the runtime that files are measured on runs on this system."""
    return runtime_info(plan.runtimes[0]).why_not_here is None

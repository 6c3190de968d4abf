"""One planned artifact -> its file with what it costs, and the zero-padded variant that is faster inside an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgesr.export.formats.targets import TARGETS, ArtifactPlan
from edgesr.export.quantization.settings import QuantizationSettings
from edgesr.export.records import REMAKE
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.stages.cost_meter import CostMeter
from edgesr.export.stages.runner import StageRunner
from edgesr.export.steps.costs import FileCost
from edgesr.export.steps.delegate import RESULT_FILE, inspect
from edgesr.runtimes.bundle.delegation import DelegateUse
from edgesr.runtimes.bundle.manifest import InsideVariant, Size
from edgesr.runtimes.json_file import read_record


@dataclass(frozen=True, kw_only=True)
class ConvertedArtifact:
    """A file in the cache, the package versions that made it, its costs (tile graphs only), its delegate (TFLite)."""

    plan: ArtifactPlan
    file: Path
    versions: dict[str, str]
    cost: FileCost | None = None
    inside: InsideVariant | None = None
    delegate: DelegateUse | None = None


def convert(
    runner: StageRunner,
    cache: StageCache,
    plan: ArtifactPlan,
    tile_size: Size,
    quantization: QuantizationSettings | None,
) -> list[ConvertedArtifact]:
    """The artifact, followed by its zero-padded variant where the generator pads otherwise and the variant pays."""
    converted = _with_costs(runner, cache, plan, tile_size, quantization)
    if plan.target.name != "tflite":
        return converted
    return [replace(one, delegate=_delegate(runner, cache, one, tile_size)) for one in converted]


def _with_costs(
    runner: StageRunner,
    cache: StageCache,
    plan: ArtifactPlan,
    tile_size: Size,
    quantization: QuantizationSettings | None,
) -> list[ConvertedArtifact]:
    file, versions = runner.artifact(plan, tile_size, quantization)
    meter = CostMeter(
        cache,
        scale=runner.config.scale,
        least_side=runner.config.minimum_side,
        mac_per_hr_pixel=runner.measurement.mac_per_hr_pixel,
    )
    if plan.graph != "tile":
        meter.check_full_graph(plan, file)
        return [ConvertedArtifact(plan=plan, file=file, versions=versions)]
    cost = meter.cost(plan, file)
    converted = ConvertedArtifact(plan=plan, file=file, versions=versions, cost=cost)
    if runner.config.padding == "zero":
        return [converted]
    zero = replace(plan, zero_padded=True)
    zero_file, _ = runner.artifact(zero, tile_size, quantization)
    inside = meter.inside(plan, file, zero, zero_file)
    if inside.artifact is None:
        return [replace(converted, inside=inside)]
    variant = ConvertedArtifact(plan=zero, file=zero_file, versions=versions, cost=meter.cost(zero, zero_file))
    return [replace(converted, inside=inside), variant]


def _delegate(runner: StageRunner, cache: StageCache, converted: ConvertedArtifact, tile_size: Size) -> DelegateUse:
    """Predicted for the ONNX graph that a TFLite file is made of, found by opening the file in a process of its own."""
    plan = converted.plan
    source = replace(plan, target=TARGETS["onnx"], precision="fp32", tile_size=None)
    onnx_file, _ = runner.artifact(source, tile_size)
    folder = cache.run(
        Stage(f"delegate-{plan.id}", inspect),
        onnx_file,
        converted.file,
        name=plan.id,
        graph=plan.graph,
        precision=plan.precision,
    )
    return read_record(DelegateUse, folder / RESULT_FILE, remake=REMAKE)

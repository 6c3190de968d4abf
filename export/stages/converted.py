"""One planned artifact -> its file with what it costs, and the zero-padded variant that is faster inside an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgesr.export.formats.target import ArtifactPlan, DelegateStep
from edgesr.export.quantization.precisions import PRECISIONS
from edgesr.export.quantization.settings import QuantizationSettings
from edgesr.export.records import REMAKE
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.stages.cost_meter import CostMeter
from edgesr.export.stages.runner import StageRunner
from edgesr.export.steps.costs import FileCost
from edgesr.export.steps.delegate import RESULT_FILE
from edgesr.runtimes.bundle.delegation import DelegateUse
from edgesr.runtimes.bundle.manifest import InsideVariant
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
    quantization: QuantizationSettings | None,
) -> list[ConvertedArtifact]:
    """The artifact, followed by its zero-padded variant where the generator pads otherwise and the variant pays."""
    converted = _with_costs(runner, cache, plan, quantization)
    inspect = plan.target.inspect_delegate
    if inspect is None:
        return converted
    return [replace(one, delegate=_delegate(runner, cache, one, inspect)) for one in converted]


def _with_costs(
    runner: StageRunner,
    cache: StageCache,
    plan: ArtifactPlan,
    quantization: QuantizationSettings | None,
) -> list[ConvertedArtifact]:
    file, versions = runner.artifact(plan, quantization)
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
    zero_file, _ = runner.artifact(zero, quantization)
    inside = meter.inside(plan, file, zero, zero_file)
    if inside.artifact is None:
        return [replace(converted, inside=inside)]
    variant = ConvertedArtifact(plan=zero, file=zero_file, versions=versions, cost=meter.cost(zero, zero_file))
    return [replace(converted, inside=inside), variant]


def _delegate(
    runner: StageRunner, cache: StageCache, converted: ConvertedArtifact, inspect: DelegateStep
) -> DelegateUse:
    """Predicted for the float32 ONNX graph, found by opening the file in a process of its own."""
    plan = converted.plan
    wide = PRECISIONS[plan.precision].wide_activations
    folder = cache.run(
        Stage(f"delegate-{plan.id}", inspect),
        runner.onnx_file(plan.graph, zero_padded=plan.zero_padded),
        converted.file,
        name=plan.id,
        graph=plan.graph,
        wide_file=runner.onnx_file("tile", zero_padded=plan.zero_padded) if wide else None,
    )
    return read_record(DelegateUse, folder / RESULT_FILE, remake=REMAKE)

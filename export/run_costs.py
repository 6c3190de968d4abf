"""Measured at export: memory of an artifact by size, whether its runtime can resize it, what zero padding gains."""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.run_cost import RunCost, RunJob
from export.cache import Stage, StageCache
from export.subprocesses import run_converter
from export.targets import ArtifactPlan
from runtimes.decoding import decode, to_json
from runtimes.files import sha256_of
from runtimes.manifest import InsideVariant, RunMemory, Size
from runtimes.registry import runtime_info

_LARGEST_RUN_GMAC = 30.0
_SIDES = (32, 256)
_TIMED_CALLS = 3
_WORTH_SHIPPING = 0.8  # what no noise of a few calls reaches
_COST_FILE = "cost.json"
_MODULES = ("export.run_costs", "benchmarks.run_cost", "benchmarks.memory")


@dataclass(frozen=True, kw_only=True)
class FileCost:
    """Whether a runtime can resize a file, and what memory a run of it takes."""

    resizable: bool
    memory: RunMemory


@dataclass(frozen=True, kw_only=True)
class _Ratio:
    time_ratio: float


class CostMeter:
    """Measures files of tile graphs, each in a process of its own; results are cached by the file's content."""

    def __init__(self, cache: StageCache, *, scale: int, least_side: int, mac_per_hr_pixel: float) -> None:
        self._cache, self._scale, self._least_side = cache, scale, least_side
        fitting = math.sqrt(_LARGEST_RUN_GMAC * 1e9 / mac_per_hr_pixel) / scale
        self._side = min(max(2 ** int(math.log2(fitting)), _SIDES[0]), _SIDES[1])

    def cost(self, plan: ArtifactPlan, file: Path) -> FileCost:
        """Memory at one size, or at two where height and width can be chosen."""

        def produce(folder: Path) -> None:
            (folder / _COST_FILE).write_text(to_json(self._measure(plan, file)))

        folder = self._cache.run(self._stage(plan, "memory"), self._inputs(plan, file), produce)
        return decode(FileCost, json.loads((folder / _COST_FILE).read_text()))

    def inside(self, plan: ArtifactPlan, file: Path, zero: ArtifactPlan, zero_file: Path) -> InsideVariant:
        """The zero-padded file's latency beside that of the reflect-padded one, and whether it is worth shipping."""

        def produce(folder: Path) -> None:
            side = min(self._side, *(plan.tile_size or (self._side,)))
            size = (side, side) if self.cost(plan, file).resizable or plan.tile_size is None else plan.tile_size
            cost = self._run(plan, (file, zero_file), size, _TIMED_CALLS)
            (folder / _COST_FILE).write_text(to_json(_Ratio(time_ratio=cost.best_ms[1] / cost.best_ms[0])))

        inputs = {**self._inputs(plan, file), "zero": sha256_of(zero_file)}
        folder = self._cache.run(self._stage(plan, "inside"), inputs, produce)
        ratio = decode(_Ratio, json.loads((folder / _COST_FILE).read_text())).time_ratio
        return InsideVariant(time_ratio=ratio, artifact=zero.id if ratio <= _WORTH_SHIPPING else None)

    def _measure(self, plan: ArtifactPlan, file: Path) -> FileCost:
        resizable = plan.tile_size is not None and self._can_resize(plan, file, plan.tile_size)
        if plan.tile_size is not None and not resizable:
            used = self._run(plan, (file,), plan.tile_size, 1).memory_bytes
            return FileCost(resizable=False, memory=RunMemory(fixed_bytes=used, bytes_per_lr_pixel=0.0))
        sides = (self._side // 2, self._side)
        small, large = (self._run(plan, (file,), (side, side), 1).memory_bytes for side in sides)
        per_pixel = max((large - small) / (sides[1] ** 2 - sides[0] ** 2), 0.0)
        fixed = max(round(large - per_pixel * sides[1] ** 2), 0)
        return FileCost(resizable=resizable, memory=RunMemory(fixed_bytes=fixed, bytes_per_lr_pixel=per_pixel))

    def _can_resize(self, plan: ArtifactPlan, file: Path, tile: Size) -> bool:
        other = (max(tile[0] // 2, self._least_side), max(tile[1] // 2 - 1, self._least_side))
        return self._run(plan, (file,), other, 0).output_size == (other[0] * self._scale, other[1] * self._scale)

    def _run(self, plan: ArtifactPlan, files: tuple[Path, ...], size: Size, calls: int) -> RunCost:
        job = RunJob(
            adapter=runtime_info(plan.target.runtimes[0]).adapter,
            files=tuple(str(file.absolute()) for file in files),
            layout=plan.target.layout,
            size=size,
            calls=calls,
        )
        with tempfile.TemporaryDirectory(prefix="edgesr-cost-") as name:
            folder = Path(name)
            result = folder / "result.json"
            (folder / "job.json").write_text(to_json(job))
            what = f"{plan.id} could not be run in {plan.target.runtimes[0]}"
            run_converter("benchmarks.run_cost", ["job.json", "result.json"], folder=folder, result=result, what=what)
            return decode(RunCost, json.loads(result.read_text()))

    def _stage(self, plan: ArtifactPlan, what: str) -> Stage:
        runtime = runtime_info(plan.target.runtimes[0])
        return Stage(f"{what}-{plan.id}", (*_MODULES, runtime.adapter), (runtime.distribution, "numpy"))

    def _inputs(self, plan: ArtifactPlan, file: Path) -> dict[str, object]:
        return {"sha256": sha256_of(file), "tile_size": plan.tile_size, "side": self._side}

"""Measured at export: memory of an artifact by size, whether its runtime can resize it, what zero padding gains."""

from __future__ import annotations

import math
from pathlib import Path

from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.records import REMAKE, fixed_size, read_taken_sizes
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.steps.costs import (
    COST_FILE,
    FileCost,
    Runnable,
    TimeRatio,
    check_size,
    measure_memory,
    measure_time_ratio,
)
from edgesr.runtimes.bundle.manifest import InsideVariant
from edgesr.runtimes.json_file import read_record

_LARGEST_RUN_GMAC = 30.0
_SIDES = (32, 256)
_ODD_SIZE = (33, 47)
_WORTH_SHIPPING = 0.8  # what no noise of a few calls reaches


class CostMeter:
    """Measures files of tile graphs; results are cached by the file's content."""

    def __init__(
        self, cache: StageCache, *, scale: int, channels: int, least_side: int, mac_per_hr_pixel: float
    ) -> None:
        self._cache, self._scale, self._channels, self._least_side = cache, scale, channels, least_side
        fitting = math.sqrt(_LARGEST_RUN_GMAC * 1e9 / mac_per_hr_pixel) / scale
        self._side: int = max(min(max(2 ** int(math.log2(fitting)), _SIDES[0]), _SIDES[1]), 2 * least_side)

    def cost(self, plan: ArtifactPlan, file: Path, runtime: str) -> FileCost:
        """Memory at one size, or at two where height and width can be chosen."""
        stage = Stage(f"memory-{plan.id}-{runtime}", measure_memory)
        runnable = self._runnable(plan, file, runtime)
        side = self._taken_side(file)
        folder = self._cache.run(stage, runnable, file, side=side, least_side=self._least_side)
        return read_record(FileCost, folder / COST_FILE, remake=REMAKE)

    def check_full_graph(self, plan: ArtifactPlan, file: Path, runtime: str) -> None:
        """Run a full graph once, at an odd size where it takes any; raises an EdgesrError when its answer has
        another size.
        """
        stage = Stage(f"size-{plan.id}-{runtime}", check_size)
        odd = (max(_ODD_SIZE[0], self._least_side), max(_ODD_SIZE[1], self._least_side))
        runnable = self._runnable(plan, file, runtime)
        self._cache.run(stage, runnable, file, size=runnable.tile_size or odd)

    def inside(self, plan: ArtifactPlan, file: Path, zero: ArtifactPlan, zero_file: Path) -> InsideVariant:
        """The zero-padded file's latency next to that of the reflect-padded one, and whether it is worth shipping.

        On the target's preferred runtime.
        """
        runtime = plan.runtimes[0]
        runnable = self._runnable(plan, file, runtime)
        tile = runnable.tile_size
        side = min(self._taken_side(file), self._taken_side(zero_file), *(tile or (self._side,)))
        size = (side, side) if tile is None or self.cost(plan, file, runtime).resizable else tile
        stage = Stage(f"inside-{plan.id}", measure_time_ratio)
        folder = self._cache.run(stage, runnable, file, zero_file, size=size)
        ratio = read_record(TimeRatio, folder / COST_FILE, remake=REMAKE).time_ratio
        return InsideVariant(time_ratio=ratio, artifact=zero.id if ratio <= _WORTH_SHIPPING else None)

    def _taken_side(self, file: Path) -> int:
        """The side of the square that a file is measured on, which it takes."""
        bounds = read_taken_sizes(file.parent).bounds
        return self._side if bounds is None else min(self._side, *bounds.most)

    def _runnable(self, plan: ArtifactPlan, file: Path, runtime: str) -> Runnable:
        return Runnable(
            id=plan.id,
            runtime=runtime,
            precision=plan.precision,
            layout=plan.target.layout,
            tile_size=plan.tile_size or fixed_size(file),
            scale=self._scale,
            channels=self._channels,
        )

"""What every rewrite of a float32 file to a lower precision needs beside the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgesr.export.quantization.plan import Plan, Range
from edgesr.runtimes.bundle.manifest import Precision

if TYPE_CHECKING:
    from edgesr.export.quantization.precisions import Recipe


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """``tile_file`` is the float32 ONNX tile graph with the artifact's padding; a plan for int8, ranges for w8a16.

    ``planned_file`` is the tile graph that plan or ranges belong to, where it is padded otherwise than ``tile_file``.
    """

    precision: Precision
    tile_file: Path
    planned_file: Path | None = None
    plan: Plan | None = None
    ranges: Mapping[str, Range] | None = None

    def recipe(self) -> Recipe:
        """The same, with ranges by the names of ``tile_file``."""
        from edgesr.export.quantization.precisions import Recipe

        return Recipe(
            precision=self.precision,
            tile_file=self.tile_file,
            plan=None if self.plan is None else replace(self.plan, ranges=self._renamed(self.plan.ranges)),
            ranges=None if self.ranges is None else self._renamed(self.ranges),
        )

    def _renamed(self, ranges: Mapping[str, Range]) -> dict[str, Range]:
        """A zero-padded graph has no tensors behind pads."""
        if self.planned_file is None:
            return dict(ranges)
        import onnx

        from edgesr.export.quantization.ranges import zero_padded_ranges

        return zero_padded_ranges(onnx.load(self.planned_file), onnx.load(self.tile_file), ranges)

"""The results of upscaling files, or the plans for them, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.upscaling.plan import UpscalePlan
from edgesr.runtimes.wording import noun_for


@dataclass(frozen=True)
class Written:
    """An image that was written, and what made it."""

    path: Path
    width: int
    height: int
    artifact: str
    runtime: str

    def describe(self) -> str:
        """One line for people."""
        return f"{self.path}: {self.width}x{self.height} by {self.artifact} on {self.runtime}"


@dataclass(frozen=True)
class FolderReport:
    """The result of a run over a folder: images written now, images done by an earlier run, and the reason for each
    other one. ``unfinished`` are failures that the images did not cause, as far as is known: their workers died, or
    none was left.
    """

    written: tuple[Written, ...]
    done_before: int
    failures: tuple[str, ...]
    unfinished: tuple[str, ...] = ()

    def describe(self) -> list[str]:
        """One line for each image that was written now."""
        return [image.describe() for image in self.written]


@dataclass(frozen=True)
class PlannedImage:
    """The plan to upscale a file. ``memory_bytes`` is that of a tile (None if not measured), with the image rows that
    are held for a row of tiles if an image is read or written by rows; ``image_bytes`` is that of the other parts of
    both images that are held.

    ``ways`` says whether the images are read and written by rows or as a whole.
    ``seconds`` extrapolates one timed tile and a part of the output, written, on this machine to all of them; the
    projection's second pass is left out.
    """

    source: Path
    target: Path
    plan: UpscalePlan
    width: int
    height: int
    memory_bytes: int | None
    image_bytes: int
    ways: str
    seconds: float

    def describe(self) -> list[str]:
        """A few lines for people."""
        grid, plan = self.plan.grid, self.plan
        height, width = grid.tile_size
        ensemble = f", {len(plan.members)} times each" if len(plan.members) > 1 else ""
        rows, columns = len(grid.rows), len(grid.columns)
        tiles = f"{rows}x{columns} {noun_for(rows * columns, 'tile')}"
        ensemble += f", in {plan.passes} passes" if plan.passes > 1 else ""
        overlap = grid.pixels / (plan.size[0] * plan.size[1])
        memory = "unknown memory" if self.memory_bytes is None else f"about {self.memory_bytes / 1e6:.0f} MB"
        inside = "" if plan.inside is plan.artifact else f", {plan.inside.id} inside"
        return [
            f"{self.source} -> {self.target}: {self.width}x{self.height}",
            f"  {plan.artifact.id}{inside} on {plan.runtime}",
            f"  {tiles} of {height}x{width}{ensemble}; {overlap:.2f} of the pixels",
            f"  {memory} for a tile, {self.image_bytes / 1e6:.0f} MB for the images, {self.seconds:.1f} s",
            f"  {self.ways}",
        ]

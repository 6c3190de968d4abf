"""The tiles in which an artifact takes an image: by its own size, by the size that was asked for, or by the memory that
is there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgesr.runtimes.bundle.contract import channels_of, next_multiple
from edgesr.runtimes.bundle.manifest import Artifact, Manifest, RunMemory, Size
from edgesr.runtimes.bundle.size_bounds import taken_sizes
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.machine_memory import memory_bytes
from edgesr.runtimes.upscaling.options import DEFAULT_MEMORY_BYTES, UpscaleOptions
from edgesr.runtimes.upscaling.tiles import Grid, grid_of, least_work_grid
from edgesr.runtimes.wording import counted

_GLUE_BYTES_PER_LR_PIXEL = 32
"""What the numpy glue holds beside residuals: pieces of a few rows, and the next tile."""
_VALUE_BYTES = 4
_LEAST_KEPT_SIDE = 16


@dataclass(frozen=True)
class Needs:
    """The needs that one plan has to fit: ``size`` (h,w) of the image; ``row_bytes`` held for each LR row of a tile,
    and ``held_bytes`` in addition, such as by an encoder. For ``halve_last_row`` see `Grid.with_last_row_halved`.
    """

    size: Size
    runtime: str
    options: UpscaleOptions
    manifest: Manifest
    row_bytes: int
    in_order: bool
    held_bytes: int = 0
    halve_last_row: bool = False

    @property
    def step(self) -> int:
        """The number of LR pixels whose multiples tiles begin at."""
        return 1 if self.manifest.tiling is None else self.manifest.tiling.step

    def passes(self, artifact: Artifact, grid: Grid) -> int:
        """The number of times that the tiles run: the last pass has the means of the whole image."""
        return self.manifest.tiling.passes if self.manifest.tiling and artifact.pooled and grid.tiles > 1 else 1

    def halo(self, artifact: Artifact) -> int:
        """LR pixels around the kept part of a tile: what the export measured, or the receptive field."""
        assert artifact.halo is not None
        if self.options.halo is None:
            return artifact.halo
        field = None if self.manifest.tiling is None else self.manifest.tiling.field
        if field is None:
            raise InputError("--halo field: the receptive field of this network is not known; leave --halo out")
        return max(artifact.halo, next_multiple(field, self.step))

    @property
    def held_bytes_per_pixel(self) -> float:
        """Bytes that are held for each LR pixel of a tile in addition to those of its runtime, such as residuals."""
        values = channels_of(self.manifest.colour) * self.manifest.scale**2
        residuals = len(self.options.members) * values * _VALUE_BYTES
        return _GLUE_BYTES_PER_LR_PIXEL + residuals

    def memories(self, artifacts: Sequence[Artifact]) -> list[RunMemory]:
        """The memory that artifacts take on the runtime, if it was measured."""
        return [memory for a in artifacts if (memory := a.use(self.runtime).memory) is not None]

    def budget(self) -> int:
        """The bytes that tiles may take: at least half of the memory, whatever else is held."""
        memory = self.options.memory_bytes or DEFAULT_MEMORY_BYTES
        return max(memory - self.held_bytes, memory // 2)

    def memory_bytes(self, artifacts: Sequence[Artifact], tile: Size) -> int | None:
        """Estimate for a tile with one of the artifacts open, None where it was not measured."""
        known = [memory.bytes_at(tile) for memory in self.memories(artifacts)]
        held = tile[0] * (tile[1] * self.held_bytes_per_pixel + self.row_bytes)
        return max(known) + round(held) if known else None

    def grid(self, artifacts: Sequence[Artifact], halo: int, budget: int) -> Grid | None:
        """The tiles of least work within a budget of bytes, None where it holds none."""
        known = self.memories(artifacts)
        per_pixel = max(memory.bytes_per_lr_pixel for memory in known) + self.held_bytes_per_pixel
        fixed = max(memory.fixed_bytes for memory in known)
        row_pixels = math.ceil(self.row_bytes / per_pixel)
        most = int((budget - fixed) / per_pixel)
        largest = _largest_size(artifacts)
        grid = least_work_grid(self.size, halo, most, row_pixels=row_pixels, step=self.step, largest=largest)
        if grid is None or not self.halve_last_row:
            return grid
        halved = grid.with_last_row_halved(halo, self.step)
        return halved if all(a.bounds is None or a.bounds.hold(halved.least_tile_size) for a in artifacts) else grid


def _largest_size(artifacts: Sequence[Artifact]) -> Size | None:
    """The largest tile that all artifacts take, None where they take any."""
    bounds = [artifact.bounds for artifact in artifacts if artifact.bounds is not None]
    if not bounds:
        return None
    return min(one.most[0] for one in bounds), min(one.most[1] for one in bounds)


def full_grid(artifact: Artifact, needs: Needs) -> Grid:
    """One tile, the image; raises an InputError where it does not fit."""
    if not artifact.fits(needs.size, needs.runtime):
        taken = taken_sizes(artifact.tile_size, artifact.bounds)
        raise InputError(
            f"{artifact.id} takes only {taken} (height x width), not {_shown(needs.size)}: "
            "use a tile graph, or a runtime with dynamic sizes"
        )
    memory = artifact.use(needs.runtime).memory
    if needs.options.tile_size is not None or (needs.options.memory_bytes is not None and memory is None):
        others = any(other.graph == "tile" for other in needs.manifest.artifacts)
        why, instead = ("", ", or use a tile graph") if others else (f", since {_why_no_tiles(needs.manifest)}", "")
        raise InputError(f"{artifact.id} runs an image in one piece{why}: leave --memory and --tile-size out{instead}")
    if memory is not None:
        _require_memory(artifact, memory.bytes_at(needs.size), needs)
    return grid_of(needs.size, needs.size, 0)


def _require_memory(artifact: Artifact, need: int, needs: Needs) -> None:
    """Raise an InputError where a whole image takes more than was allowed, or than this machine has left."""
    available = needs.options.memory_bytes or memory_bytes()[1]
    if available is not None and need > available:
        raise InputError(
            f"an image of {_shown(needs.size)} (height x width) takes {need / 1e6:,.0f} MB in {artifact.id}, and "
            f"{available / 1e6:,.0f} MB are there: it runs in one piece, since {_why_no_tiles(needs.manifest)}"
        )


def tile_grid(artifacts: tuple[Artifact, Artifact], needs: Needs) -> Grid:
    """The tiles of an artifact and its inside variant; raises an InputError where none fit.

    Where the memory was not measured they have the bundle's tile size: nothing bounds what a whole image would take.
    """
    artifact, options, size = artifacts[0], needs.options, needs.size
    halo = needs.halo(artifact)
    if artifact.use(needs.runtime).memory is None and options.memory_bytes is not None and options.tile_size is None:
        raise InputError(_not_measured(artifact, needs.runtime))
    fixed = artifact.tile_size if artifact.bounds is None else artifact.bounds.fixed
    if fixed is not None and not artifact.use(needs.runtime).resizable:
        return _fixed_grid(artifact, fixed, needs)
    if options.tile_size is not None:
        return _bounded_grid(artifacts, options.tile_size, needs)
    if artifact.use(needs.runtime).memory is None:
        return _bounded_grid(artifacts, artifact.tile_size or needs.manifest.tile_size, needs)
    budget = needs.budget()
    grid = needs.grid(artifacts, halo, budget)
    if grid is None:
        side = 2 * halo + _LEAST_KEPT_SIDE
        least = needs.memory_bytes(artifacts, (min(side, size[0]), min(side, size[1])))
        raise InputError(_too_little(options.memory_bytes or DEFAULT_MEMORY_BYTES, artifact, least))
    return grid


def _bounded_grid(artifacts: Sequence[Artifact], tile: Size, needs: Needs) -> Grid:
    """Tiles of a given size, which all artifacts have to take."""
    grid = _grid_of(artifacts[0], tile, needs)
    for artifact in artifacts:
        if artifact.bounds is not None and not artifact.bounds.hold(grid.tile_size):
            raise InputError(
                f"{artifact.id} takes {artifact.bounds.text} (height x width), and not tiles of "
                f"{_shown(grid.tile_size)}: give a smaller --tile-size, or leave it out"
            )
    return grid


def _fixed_grid(artifact: Artifact, tile: Size, needs: Needs) -> Grid:
    options, size = needs.options, needs.size
    if options.tile_size not in (None, tile):
        raise InputError(f"{artifact.id} has tiles of {_shown(tile)} only; leave --tile-size out")
    if size[0] < tile[0] or size[1] < tile[1]:
        raise InputError(
            f"an image of {_shown(size)} (height x width) is smaller than the tiles of {artifact.id}, whose size is "
            "fixed: export with a smaller --tile-size, or use a runtime with dynamic sizes"
        )
    grid = _grid_of(artifact, tile, needs)
    if not grid.uniform:
        raise InputError(
            f"tiles of {artifact.id} have one size and begin at multiples of {needs.step}: they do not reach the "
            f"end of an image of {_shown(size)} (height x width); use a runtime with dynamic sizes"
        )
    need = needs.memory_bytes((artifact,), tile)
    if options.memory_bytes is not None and need is not None and need > options.memory_bytes:
        raise InputError(_too_little(options.memory_bytes, artifact, need) + ", or export with a smaller --tile-size")
    return grid


def _not_measured(artifact: Artifact, runtime: str) -> str:
    return (
        f"--memory: what {artifact.id} takes in {runtime} was not measured, since {runtime} was not there at the "
        "export: export again where it runs, take another runtime, or give --tile-size instead"
    )


def _too_little(budget: int, artifact: Artifact, least: int | None) -> str:
    return (
        f"a memory of {budget / 1e6:.0f} MB is too little for tiles of {artifact.id}: "
        f"give at least {(least or 0) / 1e6 + 1:.0f} MB"
    )


def _grid_of(artifact: Artifact, tile: Size, needs: Needs) -> Grid:
    """Tiles of a given size; raises an InputError where they have no inside, or do not begin at multiples of the
    step.
    """
    halo, step = needs.halo(artifact), needs.step
    cut = [(side, length) for side, length in zip(tile, needs.size, strict=True) if side < length]
    if any(side <= 2 * halo for side, _ in cut):
        raise InputError(
            f"tiles of {_shown(tile)} are too small: {artifact.id} has a halo of {counted(halo, 'pixel')} on each "
            f"side; give at least {2 * halo + step} a side"
        )
    if any(side % step for side, _ in cut):
        raise InputError(f"tiles of {_shown(tile)}: those of {artifact.id} have sides that are multiples of {step}")
    return grid_of(needs.size, tile, halo, step=step)


def _why_no_tiles(manifest: Manifest) -> str:
    """The reason why a bundle has no tile graphs."""
    tiling = manifest.tiling
    if tiling is None or tiling.exact or tiling.error is None:
        return "it is a full graph"
    return f"tiles of this network differ from its whole picture by {tiling.error_text}"


def _shown(size: Size) -> str:
    return f"{size[0]}x{size[1]}"

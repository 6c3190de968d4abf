"""Which artifact upscales an image, on which runtime, in which tiles, in how much memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgesr.runtimes.adapters.registry import is_installed, require_installed, runtime_info
from edgesr.runtimes.bundle.contract import channels_of
from edgesr.runtimes.bundle.manifest import Artifact, Manifest, RunMemory, Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.machine_memory import memory_bytes
from edgesr.runtimes.upscaling.options import DEFAULT_MEMORY_BYTES, UpscaleOptions
from edgesr.runtimes.upscaling.self_ensemble import Member
from edgesr.runtimes.upscaling.tiles import Grid, Span, grid_of, least_work_grid
from edgesr.runtimes.wording import counted

_GLUE_BYTES_PER_LR_PIXEL = 32
"""What the numpy glue holds beside a tile's residual: pieces of a few rows."""
_VALUE_BYTES = 4
_LEAST_KEPT_SIDE = 16


@dataclass(frozen=True, kw_only=True)
class UpscalePlan:
    """How an LR image of ``size`` (h,w) is upscaled: ``grid`` cuts it for ``artifact``.

    ``inside`` runs the tiles that do not touch the border. ``memory_bytes`` estimates what a tile needs, None where the
    export did not measure it. A full graph has one tile, the image.
    """

    artifact: Artifact
    inside: Artifact
    runtime: str
    size: Size
    grid: Grid
    members: tuple[Member, ...]
    memory_bytes: int | None

    def artifact_for(self, rows: Span, columns: Span) -> Artifact:
        """The artifact of a tile, by whether it touches the image's border."""
        touches = rows.start == 0 or columns.start == 0 or rows.stop == self.size[0] or columns.stop == self.size[1]
        return self.artifact if touches else self.inside


def plan_upscale(
    bundle: Bundle, size: Size, options: UpscaleOptions, *, row_bytes: int = 0, in_order: bool = False
) -> UpscalePlan:
    """The plan for an image of ``size`` (h,w), with what was asked for or the first artifact that takes it.

    Installed runtimes only unless one is named; tile graphs come before full graphs; float32 alone where there is any.
    ``row_bytes`` is what the caller holds for each LR row of a tile; ``in_order``: tiles must come row by row, so that
    one artifact alone is used.
    """
    pairs = list(_candidates(bundle, options))
    refusals: list[str] = []
    plans: list[UpscalePlan] = []
    for artifact, runtime in pairs:
        try:
            needs = _Needs(
                size,
                runtime,
                options,
                bundle.manifest.scale,
                channels_of(bundle.manifest.colour),
                row_bytes,
                in_order,
                _why_no_tiles(bundle.manifest),
            )
            plans.append(_plan(bundle, artifact, needs))
        except InputError as error:
            refusals.append(str(error))
    if not plans:
        raise InputError(refusals[0])
    return next((plan for plan in plans if options.runtime or is_installed(plan.runtime)), plans[0])


def _why_no_tiles(manifest: Manifest) -> str:
    """Why a bundle has no tile graphs."""
    tiling = manifest.tiling
    if tiling is None or tiling.exact or tiling.error is None:
        return "it is a full graph"
    return f"tiles of this network differ from its whole picture by up to {tiling.error:.2g} of 255"


def check_choice(bundle: Bundle, options: UpscaleOptions) -> None:
    """Refuse an artifact or runtime that the bundle has not, or that is not installed, whatever the image."""
    runtimes = [runtime_info(runtime) for _, runtime in _candidates(bundle, options)]
    if all(runtime.version() is None for runtime in runtimes):
        require_installed(runtimes[0])


def _candidates(bundle: Bundle, options: UpscaleOptions) -> Iterator[tuple[Artifact, str]]:
    if options.artifact_id is not None:
        candidates = [bundle.artifact(options.artifact_id)]
        if candidates[0].inside_only:
            raise InputError(f"{options.artifact_id}: is exact inside an image only; name the artifact of its border")
    else:
        usable = [a for a in bundle.manifest.artifacts if not a.inside_only]
        candidates = sorted(usable, key=lambda a: (a.legacy, not a.is_reference, a.graph != "tile"))
    if options.runtime is not None:
        runtime_info(options.runtime)
    pairs = [(a, r) for a in candidates for r in a.runtimes if options.runtime in (None, r)]
    if not pairs:
        known = ", ".join(sorted({r for a in candidates for r in a.runtimes}))
        raise InputError(f"{bundle.root}: nothing in it opens in runtime {options.runtime!r}; it has files for {known}")
    runnable = [(a, r) for a, r in pairs if options.runtime or is_installed(r)]
    precision = (runnable or pairs)[0][0].precision  # a memory that is too little for it is no reason to take another
    yield from (pair for pair in pairs if pair[0].precision == precision)


@dataclass(frozen=True)
class _Needs:
    """What one plan has to fit."""

    size: Size
    runtime: str
    options: UpscaleOptions
    scale: int
    channels: int
    row_bytes: int
    in_order: bool
    why_no_tiles: str

    @property
    def held_bytes_per_pixel(self) -> float:
        """What is held for each LR pixel of a tile beside what its runtime needs."""
        residuals = (len(self.options.members) - 1) * self.channels * _VALUE_BYTES * self.scale**2
        return _GLUE_BYTES_PER_LR_PIXEL + residuals

    def memories(self, artifacts: Sequence[Artifact]) -> list[RunMemory]:
        """What artifacts take on the runtime, where it was measured."""
        return [memory for a in artifacts if (memory := a.use(self.runtime).memory) is not None]

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
        return least_work_grid(self.size, halo, int((budget - fixed) / per_pixel), row_pixels=row_pixels)


def _plan(bundle: Bundle, artifact: Artifact, needs: _Needs) -> UpscalePlan:
    inside = artifact
    if artifact.inside is not None and artifact.inside.artifact is not None and not needs.in_order:
        inside = bundle.artifact(artifact.inside.artifact)
    grid = _full_grid(artifact, needs) if artifact.graph == "full" else _tile_grid((artifact, inside), needs)
    if needs.options.self_ensemble and not artifact.fits(grid.tile_size[::-1], needs.runtime):
        raise InputError(f"{artifact.id}: a self-ensemble turns its tiles, which takes a square tile or dynamic sizes")
    return UpscalePlan(
        artifact=artifact,
        inside=inside,
        runtime=needs.runtime,
        size=needs.size,
        grid=grid,
        members=needs.options.members,
        memory_bytes=needs.memory_bytes((artifact, inside), grid.tile_size),
    )


def _full_grid(artifact: Artifact, needs: _Needs) -> Grid:
    if not artifact.fits(needs.size, needs.runtime):
        assert artifact.tile_size is not None
        raise InputError(
            f"{artifact.id} takes only {_shown(artifact.tile_size)} (height x width), not {_shown(needs.size)}: "
            "use a tile graph, or a runtime with dynamic sizes"
        )
    memory = artifact.use(needs.runtime).memory
    if needs.options.tile_size is not None or (needs.options.memory_bytes is not None and memory is None):
        raise InputError(
            f"{artifact.id} runs an image in one piece: leave --memory and --tile-size out, or use a tile graph"
        )
    if memory is not None:
        _require_memory(artifact, memory.bytes_at(needs.size), needs)
    return grid_of(needs.size, needs.size, 0)


def _require_memory(artifact: Artifact, need: int, needs: _Needs) -> None:
    """An InputError where a whole image takes more than was allowed, or than this machine has left."""
    available = needs.options.memory_bytes or memory_bytes()[1]
    if available is not None and need > available:
        raise InputError(
            f"an image of {_shown(needs.size)} (height x width) takes {need / 1e6:,.0f} MB in {artifact.id}, and "
            f"{available / 1e6:,.0f} MB are there: it runs in one piece, since {needs.why_no_tiles}"
        )


def _tile_grid(artifacts: tuple[Artifact, Artifact], needs: _Needs) -> Grid:
    artifact, options, size = artifacts[0], needs.options, needs.size
    assert artifact.halo is not None
    if artifact.tile_size is not None and not artifact.use(needs.runtime).resizable:
        return _fixed_grid(artifact, artifact.tile_size, needs)
    if options.tile_size is not None:
        _require_inside(artifact, options.tile_size, size)
        return grid_of(size, options.tile_size, artifact.halo)
    if artifact.use(needs.runtime).memory is None:
        return grid_of(size, artifact.tile_size or size, artifact.halo)
    budget = options.memory_bytes or DEFAULT_MEMORY_BYTES
    grid = needs.grid(artifacts, artifact.halo, budget)
    if grid is None:
        side = 2 * artifact.halo + _LEAST_KEPT_SIDE
        least = needs.memory_bytes(artifacts, (min(side, size[0]), min(side, size[1])))
        raise InputError(_too_little(budget, artifact, least))
    return grid


def _fixed_grid(artifact: Artifact, tile: Size, needs: _Needs) -> Grid:
    options, size = needs.options, needs.size
    assert artifact.halo is not None
    if options.tile_size not in (None, tile):
        raise InputError(f"{artifact.id} has tiles of {_shown(tile)} only; leave --tile-size out")
    if size[0] < tile[0] or size[1] < tile[1]:
        raise InputError(
            f"an image of {_shown(size)} (height x width) is smaller than the tiles of {artifact.id}, whose size is "
            "fixed: export with a smaller --tile-size, or use a runtime with dynamic sizes"
        )
    _require_inside(artifact, tile, size)
    need = needs.memory_bytes((artifact,), tile)
    if options.memory_bytes is not None and need is not None and need > options.memory_bytes:
        raise InputError(_too_little(options.memory_bytes, artifact, need) + ", or export with a smaller --tile-size")
    return grid_of(size, tile, artifact.halo)


def _too_little(budget: int, artifact: Artifact, least: int | None) -> str:
    return (
        f"a memory of {budget / 1e6:.0f} MB is too little for tiles of {artifact.id}: "
        f"give at least {(least or 0) / 1e6 + 1:.0f} MB"
    )


def _require_inside(artifact: Artifact, tile: Size, size: Size) -> None:
    assert artifact.halo is not None
    if any(side <= 2 * artifact.halo and side < length for side, length in zip(tile, size, strict=True)):
        raise InputError(
            f"tiles of {_shown(tile)} leave nothing inside the halo of {counted(artifact.halo, 'pixel')} of "
            f"{artifact.id}: at least {2 * artifact.halo + 1} a side"
        )


def _shown(size: Size) -> str:
    return f"{size[0]}x{size[1]}"

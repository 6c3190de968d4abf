"""The plan for an image: the artifact and runtime that upscale it, the tiles, and the memory they take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgesr.runtimes.adapters.registry import is_usable, require_usable, runtime_info, with_provider
from edgesr.runtimes.bundle.manifest import Artifact, Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.upscaling.grids import Needs, full_grid, tile_grid
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.self_ensemble import Member
from edgesr.runtimes.upscaling.tiles import Grid, Span


@dataclass(frozen=True, kw_only=True)
class UpscalePlan:
    """The plan for an LR image of ``size`` (h,w): ``grid`` cuts it into tiles for ``artifact``.

    ``inside`` runs the tiles that do not touch the border. ``memory_bytes`` estimates what a tile needs, None where the
    export did not measure it. A full graph has one tile, the image. The tiles run ``passes`` times.
    """

    artifact: Artifact
    inside: Artifact
    runtime: str
    size: Size
    grid: Grid
    members: tuple[Member, ...]
    memory_bytes: int | None
    passes: int

    def artifact_for(self, rows: Span, columns: Span) -> Artifact:
        """The artifact of a tile, by whether it touches the image's border."""
        touches = rows.start == 0 or columns.start == 0 or rows.stop == self.size[0] or columns.stop == self.size[1]
        return self.artifact if touches else self.inside


def plan_upscale(
    bundle: Bundle,
    size: Size,
    options: UpscaleOptions,
    *,
    row_bytes: int = 0,
    held_bytes: int = 0,
    in_order: bool = False,
    halve_last_row: bool = False,
) -> UpscalePlan:
    """The plan for an image of ``size`` (h,w), with the artifact that was asked for, or the first that takes the image.

    Only installed runtimes are used, unless one is named; only float32 artifacts, if there are any. Tile graphs come
    before full graphs, and after them if tiles are not exact. The caller holds ``row_bytes`` for each LR row of a tile,
    and ``held_bytes`` in addition. With ``in_order`` tiles must come row by row, so that one artifact alone is used.
    For ``halve_last_row`` see `Grid.with_last_row_halved`.
    """
    pairs = list(_candidates(bundle, options))
    refusals: list[str] = []
    plans: list[UpscalePlan] = []
    for artifact, runtime in pairs:
        try:
            needs = Needs(size, runtime, options, bundle.manifest, row_bytes, in_order, held_bytes, halve_last_row)
            plans.append(_plan(bundle, artifact, needs))
        except InputError as error:
            refusals.append(str(error))
    if not plans:
        raise InputError(refusals[0])
    return next((plan for plan in plans if options.runtime or is_usable(plan.runtime)), plans[0])


def check_choice(bundle: Bundle, options: UpscaleOptions) -> None:
    """Refuse an artifact or runtime that the bundle does not have, or that cannot run here, whatever the image."""
    runtimes = [runtime_info(runtime) for _, runtime in _candidates(bundle, options)]
    if not any(is_usable(runtime.name) for runtime in runtimes):
        require_usable(runtimes[0])


def first_runtime(bundle: Bundle, options: UpscaleOptions) -> str:
    """The runtime that upscales here, unless an image is of a size that its file does not take."""
    names = [runtime for _, runtime in _candidates(bundle, options)]
    return next((name for name in names if is_usable(name)), names[0])


def _candidates(bundle: Bundle, options: UpscaleOptions) -> Iterator[tuple[Artifact, str]]:
    if options.artifact_id is not None:
        candidates = [bundle.artifact(options.artifact_id)]
        if candidates[0].inside_only:
            raise InputError(
                f"{options.artifact_id}: is exact only inside an image; name the artifact that computes the border"
            )
    else:
        tiling = bundle.manifest.tiling
        preferred = "tile" if tiling is None or tiling.exact else "full"
        usable = [a for a in bundle.manifest.artifacts if not a.inside_only]
        candidates = sorted(usable, key=lambda a: (a.legacy, not a.is_reference, a.graph != preferred))
    if options.runtime is not None:
        runtime_info(options.runtime)
    pairs = [(a, r) for a in candidates for r in a.runtimes if options.runtime in (None, r)]
    if not pairs:
        known = ", ".join(sorted({r for a in candidates for r in a.runtimes}))
        raise InputError(f"{bundle.root}: nothing in it opens in runtime {options.runtime!r}; it has files for {known}")
    if options.provider is not None:
        pairs = with_provider(pairs, options.provider)
    runnable = [(a, r) for a, r in pairs if options.runtime or is_usable(r)]
    precision = (runnable or pairs)[0][0].precision  # a memory that is too little for it is no reason to take another
    yield from (pair for pair in pairs if pair[0].precision == precision)


def _plan(bundle: Bundle, artifact: Artifact, needs: Needs) -> UpscalePlan:
    inside = artifact
    if artifact.inside is not None and artifact.inside.artifact is not None and not needs.in_order:
        inside = bundle.artifact(artifact.inside.artifact)
    grid = full_grid(artifact, needs) if artifact.graph == "full" else tile_grid((artifact, inside), needs)
    if needs.options.self_ensemble and not artifact.fits(grid.tile_size[::-1], needs.runtime):
        raise InputError(
            f"{artifact.id}: a self-ensemble turns its tiles, which must be square; give a square --tile-size, or an "
            "artifact of dynamic sizes"
        )
    if needs.options.self_ensemble and any(side % needs.step for side in needs.size) and grid.tiles > 1:
        raise InputError(
            f"{artifact.id}: a self-ensemble turns its tiles, which then do not begin at multiples of {needs.step}: "
            "use a full graph"
        )
    return UpscalePlan(
        artifact=artifact,
        inside=inside,
        runtime=needs.runtime,
        size=needs.size,
        grid=grid,
        members=needs.options.members,
        memory_bytes=needs.memory_bytes((artifact, inside), grid.tile_size),
        passes=needs.passes(artifact, grid),
    )

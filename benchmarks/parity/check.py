"""Fidelity: does an artifact compute what the reference computed when the goldens were recorded?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgesr.benchmarks.jobs import Job, JobKind
from edgesr.benchmarks.machine.environment import x86_features
from edgesr.benchmarks.parity.arithmetic import (
    computes_apart,
    difference_cause,
    has_exact_arithmetic,
    own_tolerance,
)
from edgesr.benchmarks.parity.comparison import Comparison, compare, finite, flat_tile_failure
from edgesr.benchmarks.parity.kept_images import ImageFolders, exact_image, keep_images
from edgesr.benchmarks.quality.metrics import max_abs_error, psnr
from edgesr.runtimes.adapters.profiling import read_execution
from edgesr.runtimes.adapters.registry import runtime_for
from edgesr.runtimes.adapters.session import ImageSession, open_session
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Artifact, FileEntry, Golden, Tolerance
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.projection import apply_residual
from edgesr.runtimes.interface.operator_profile import Execution

BORDER_LR_PIXELS = 4


@dataclass(frozen=True, kw_only=True)
class GoldenParity:
    """One artifact on one golden; errors on the 0..255 scale of the SR image.

    ``k`` is the golden's projection factor, None without a projection. ``psnr_db`` is None when both images are
    identical (``max_abs_error`` 0) or when the output is not finite (then ``max_abs_error`` is None too).
    ``residual_psnr_db`` is given for tile graphs: their residual before the glue. ``bilinear_psnr_db`` is that of
    bilinear upsampling, None when it equals the golden. ``failures`` lists what missed its tolerance; empty when the
    golden passes.

    ``psnr_db`` and the errors are as this CPU computes the artifact. Where its arithmetic may differ from the file's
    (`computes_apart`), ``exact_psnr_db`` and ``exact_max_abs_error`` are those of exact arithmetic and
    ``exact_max_difference`` the largest difference between the two images, None where one of them is not finite; all
    are None where that was not computed.
    """

    golden: str
    k: float | None
    psnr_db: float | None
    max_abs_error: float | None
    mean_shift: tuple[float, ...]
    border_max_abs_error: float | None
    residual_psnr_db: float | None
    bilinear_psnr_db: float | None
    exact_psnr_db: float | None
    exact_max_difference: float | None
    failures: tuple[str, ...]
    exact_max_abs_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class ArtifactParity:
    """All goldens that fit an artifact's input size; why this CPU differs from exact arithmetic, None if they agree.

    ``lacks_exact``: exact arithmetic would tell more, but the runtime has none. ``execution`` is what ran the file's
    operators, None where that is not told. ``own_tolerance``: what the runtime's fast kernels are judged by in place of
    what goldens allow, which is then for exact arithmetic; None where all is judged by that.
    """

    goldens: tuple[GoldenParity, ...]
    difference_cause: str | None
    lacks_exact: bool = False
    execution: Execution | None = None
    own_tolerance: Tolerance | None = None


@dataclass(frozen=True)
class _Run:
    """One run of a golden: the SR image (3,H,W), how it compares, PSNR of a tile graph's residual, all failures."""

    image: Image
    comparison: Comparison
    residual_psnr_db: float | None
    failures: tuple[str, ...]


def check_parity(
    bundle: Bundle,
    artifact: Artifact,
    *,
    runtime: str,
    threads: int,
    images: ImageFolders | None = None,
    provider: str | None = None,
) -> ArtifactParity:
    """Run an artifact on every golden of a size that it takes, as this CPU does and, where it matters, exactly.

    ``images``: folders to keep the SR images in, or to take those of exact arithmetic from.
    """
    runtime_for(artifact, runtime)
    fitting = [g for g in bundle.manifest.goldens if artifact.fits(g.size, runtime)]
    if not fitting:
        raise InputError(f"{artifact.id}: no golden has its size; export the bundle again")
    session = open_session(bundle, artifact, runtime=runtime, threads=threads, provider=provider)
    has_exact = has_exact_arithmetic(artifact, runtime)
    folders = images or ImageFolders()
    if not has_exact:
        folders = replace(folders, exact_from=None)
    exact: ImageSession | None = None
    if has_exact and folders.exact_from is None:
        exact = open_session(bundle, artifact, runtime=runtime, threads=threads, exact=True)
    goldens = tuple(_check(bundle, session, exact, golden, folders, place) for place, golden in enumerate(fitting))
    difference = max((g.exact_max_difference or 0.0 for g in goldens), default=0.0)
    cause = difference_cause(artifact, runtime, max_difference=difference, x86_features=x86_features())
    return ArtifactParity(
        goldens=goldens,
        difference_cause=cause,
        lacks_exact=computes_apart(artifact, runtime) and not has_exact,
        execution=read_execution(
            bundle, artifact, bundle.tensor(fitting[0].input), runtime=runtime, threads=threads, provider=provider
        ),
        own_tolerance=own_tolerance(artifact, runtime),
    )


def _check(
    bundle: Bundle,
    session: ImageSession,
    exact: ImageSession | None,
    golden: Golden,
    folders: ImageFolders,
    place: int,
) -> GoldenParity:
    upsampled = upsample_bilinear(bundle.tensor(golden.input), bundle.manifest.scale)
    bilinear_db = psnr(upsampled, bundle.tensor(golden.output))
    artifact = session.artifact
    general = _tolerance(artifact, golden)
    own = own_tolerance(artifact, session.runtime) or general
    host = _run(bundle, session, golden, own, bilinear_db=bilinear_db)
    second: _Run | None = None
    if exact is not None:
        second = _run(bundle, exact, golden, general, bilinear_db=bilinear_db)
    elif computes_apart(artifact, session.runtime) and folders.exact_from is not None:
        second = _judge(bundle, artifact, golden, exact_image(folders, place), general, bilinear_db=bilinear_db)
    keep_images(folders, place, host.image, second.image if second else None)
    return GoldenParity(
        golden=golden.id,
        k=golden.k,
        psnr_db=host.comparison.psnr_db,
        max_abs_error=host.comparison.max_abs_error,
        mean_shift=host.comparison.mean_shift,
        border_max_abs_error=host.comparison.border_max_abs_error,
        residual_psnr_db=host.residual_psnr_db,
        bilinear_psnr_db=finite(bilinear_db),
        exact_psnr_db=second.comparison.psnr_db if second else None,
        exact_max_difference=_difference(host, second) if second else None,
        failures=host.failures + tuple(f"exact arithmetic: {f}" for f in (second.failures if second else ())),
        exact_max_abs_error=second.comparison.max_abs_error if second else None,
    )


def _run(bundle: Bundle, session: ImageSession, golden: Golden, tolerance: Tolerance, *, bilinear_db: float) -> _Run:
    """Run a golden and compare; a residual has to keep its tolerance in fp32, otherwise the SR image is what counts.

    A residual that is not finite fails in every precision, also where the clip to [0,255] would hide it.
    """
    manifest, artifact = bundle.manifest, session.artifact
    image = bundle.tensor(golden.input)
    output = session.infer(image)
    if artifact.graph != "tile":
        return _judge(bundle, artifact, golden, output, tolerance, bilinear_db=bilinear_db)
    ring = BORDER_LR_PIXELS * manifest.scale
    expected = bundle.tensor(_residual_entry(golden, artifact))
    residual = compare(output, expected, tolerance, ring=ring)
    run = _judge(
        bundle,
        artifact,
        golden,
        apply_residual(image, output, scale=manifest.scale, glue=manifest.glue),
        tolerance,
        bilinear_db=bilinear_db,
    )
    judged = artifact.is_reference or residual.max_abs_error is None
    of_residual = residual.failures if judged else ()
    failures = run.failures + tuple(f"residual: {failure}" for failure in of_residual)
    return replace(run, residual_psnr_db=residual.psnr_db, failures=failures)


def _judge(
    bundle: Bundle, artifact: Artifact, golden: Golden, image: Image, tolerance: Tolerance, *, bilinear_db: float
) -> _Run:
    """Compare an SR image with what it should be."""
    manifest = bundle.manifest
    expected = bundle.tensor(golden.output)
    if artifact.inside_only:
        residual = bundle.tensor(_residual_entry(golden, artifact))
        expected = apply_residual(bundle.tensor(golden.input), residual, scale=manifest.scale, glue=manifest.glue)
    ring = BORDER_LR_PIXELS * manifest.scale
    comparison = compare(image, expected, tolerance, ring=ring)
    worse = flat_tile_failure(comparison, bilinear_db)
    failures = comparison.failures if worse is None else (*comparison.failures, worse)
    return _Run(image, comparison, None, failures)


def _tolerance(artifact: Artifact, golden: Golden) -> Tolerance:
    tolerance = golden.tolerances.get(artifact.precision)
    if tolerance is None:
        raise InputError(f"{artifact.id}: golden {golden.id} has no tolerance for {artifact.precision}; export again")
    return tolerance


def _residual_entry(golden: Golden, artifact: Artifact) -> FileEntry:
    """The residual of the artifact's own padding."""
    if not artifact.inside_only:
        return golden.residual
    if golden.zero_padded_residual is None:
        raise InputError(f"{artifact.id}: golden {golden.id} has no zero-padded residual; export the bundle again")
    return golden.zero_padded_residual


def _difference(host: _Run, exact: _Run) -> float | None:
    """Largest difference between two SR images; None unless both are finite and of the golden's shape."""
    if host.comparison.max_abs_error is None or exact.comparison.max_abs_error is None:
        return None
    return max_abs_error(host.image, exact.image)


def _parity(job: Job, images: ImageFolders) -> ArtifactParity:
    return check_parity(*job.opened(), runtime=job.runtime, threads=job.threads, images=images, provider=job.provider)


PARITY = JobKind(
    name="parity",
    settings=ImageFolders,
    result=ArtifactParity,
    measure=_parity,
    sends=("exact_from",),
    brings=("kept",),
)

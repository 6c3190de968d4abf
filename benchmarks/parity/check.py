"""Fidelity: does an artifact compute what the reference computed when the goldens were recorded?"""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.benchmarks.jobs import Job, JobKind
from edgesr.benchmarks.machine.environment import x86_features
from edgesr.benchmarks.parity.arithmetic import (
    computes_apart,
    difference_cause,
    has_exact_arithmetic,
    own_tolerance,
)
from edgesr.benchmarks.parity.comparison import finite
from edgesr.benchmarks.parity.judging import (
    Judged,
    bilinear_psnr_db,
    golden_tolerance,
    judge_image,
    judge_output,
)
from edgesr.benchmarks.parity.kept_images import ImageFolders, exact_image, keep_images
from edgesr.runtimes.adapters.profiling import read_execution
from edgesr.runtimes.adapters.registry import runtime_for
from edgesr.runtimes.adapters.session import ImageSession, open_session
from edgesr.runtimes.bundle.manifest import Artifact, Golden, Tolerance
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.interface.operator_profile import Execution


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
    what goldens allow, which is then for exact arithmetic; None where all is judged by that. ``not_run``: goldens whose
    output an outside runner did not give, or whose size this build of the runtime cannot set.
    """

    goldens: tuple[GoldenParity, ...]
    difference_cause: str | None
    lacks_exact: bool = False
    execution: Execution | None = None
    own_tolerance: Tolerance | None = None
    not_run: tuple[str, ...] = ()


def check_parity(
    bundle: Bundle,
    artifact: Artifact,
    *,
    runtime: str,
    threads: int,
    images: ImageFolders | None = None,
    provider: str | None = None,
) -> ArtifactParity:
    """Run an artifact on every golden of a size that it takes, and compare the SR images with the goldens. It runs as
    this CPU computes and, if the CPU's arithmetic may differ, also in exact arithmetic.

    ``images`` are folders to keep the SR images in, or to take those of exact arithmetic from.
    """
    info = runtime_for(artifact, runtime)
    fitting = [g for g in bundle.manifest.goldens if artifact.fits(g.size, runtime)]
    if not fitting:
        raise InputError(f"{artifact.id}: no golden has its size; export the bundle again")
    session = open_session(bundle, artifact, runtime=runtime, threads=threads, provider=provider)
    has_exact = has_exact_arithmetic(artifact, runtime)
    folders = images or ImageFolders()
    exact: ImageSession | None = None
    if has_exact and folders.exact_from is None:
        exact = open_session(bundle, artifact, runtime=runtime, threads=threads, exact=True)
    own_size_alone = artifact.tile_size if not info.resizes else None
    taken = [(place, golden) for place, golden in enumerate(fitting) if own_size_alone in (None, golden.size)]
    goldens = tuple(_check(bundle, session, exact, golden, folders, place) for place, golden in taken)
    difference = max((g.exact_max_difference or 0.0 for g in goldens), default=0.0)
    cause = difference_cause(artifact, runtime, max_difference=difference, x86_features=x86_features())
    return ArtifactParity(
        goldens=goldens,
        difference_cause=cause,
        lacks_exact=computes_apart(artifact, runtime) and not (has_exact or folders.exact_from),
        execution=read_execution(
            bundle, artifact, bundle.tensor(fitting[0].input), runtime=runtime, threads=threads, provider=provider
        ),
        own_tolerance=own_tolerance(artifact, runtime),
        not_run=tuple(golden.id for golden in fitting if own_size_alone not in (None, golden.size)),
    )


def golden_parity(golden: Golden, host: Judged, exact: Judged | None, *, bilinear_db: float) -> GoldenParity:
    """The result of a run of a golden, with that of a run in exact arithmetic if there is one."""
    return GoldenParity(
        golden=golden.id,
        k=golden.k,
        psnr_db=host.comparison.psnr_db,
        max_abs_error=host.comparison.max_abs_error,
        mean_shift=host.comparison.mean_shift,
        border_max_abs_error=host.comparison.border_max_abs_error,
        residual_psnr_db=host.residual_psnr_db,
        bilinear_psnr_db=finite(bilinear_db),
        exact_psnr_db=exact.comparison.psnr_db if exact else None,
        exact_max_difference=host.difference_from(exact) if exact else None,
        failures=host.failures + tuple(f"exact arithmetic: {f}" for f in (exact.failures if exact else ())),
        exact_max_abs_error=exact.comparison.max_abs_error if exact else None,
    )


def _check(
    bundle: Bundle,
    session: ImageSession,
    exact: ImageSession | None,
    golden: Golden,
    folders: ImageFolders,
    place: int,
) -> GoldenParity:
    artifact = session.artifact
    image, bilinear_db = bundle.tensor(golden.input), bilinear_psnr_db(bundle, golden)
    general = golden_tolerance(artifact, golden)
    own = own_tolerance(artifact, session.runtime) or general
    host = judge_output(bundle, artifact, golden, session.infer(image), own, bilinear_db=bilinear_db)
    second: Judged | None = None
    if exact is not None:
        second = judge_output(bundle, artifact, golden, exact.infer(image), general, bilinear_db=bilinear_db)
    elif computes_apart(artifact, session.runtime) and folders.exact_from is not None:
        kept = exact_image(folders, place)
        second = judge_image(bundle, artifact, golden, kept, general, bilinear_db=bilinear_db)
    keep_images(folders, place, host.image, second.image if second else None)
    return golden_parity(golden, host, second, bilinear_db=bilinear_db)


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

"""Fidelity: does an artifact compute what float32 PyTorch computed when the goldens were recorded?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.metrics import border_max_abs_error, channel_mean_shift, max_abs_error, psnr
from runtimes.bundle import Bundle
from runtimes.errors import InputError
from runtimes.manifest import Artifact, Golden, Tolerance
from runtimes.session import ImageSession, open_session
from runtimes.upscale import apply_residual

BORDER_LR_PIXELS = 4


@dataclass(frozen=True, kw_only=True)
class GoldenParity:
    """One artifact on one golden; errors on the 0..255 scale of the SR image.

    ``k`` is the golden's projection factor, None without a projection. ``psnr_db`` is None when both images are
    identical (``max_abs_error`` 0) or when the output is not finite (then ``max_abs_error`` is None too).
    ``residual_psnr_db`` is given for tile graphs: their residual before the glue. ``failures`` lists what missed its
    tolerance; empty when the golden passes.
    """

    golden: str
    k: float | None
    psnr_db: float | None
    max_abs_error: float | None
    mean_shift: tuple[float, ...]
    border_max_abs_error: float | None
    residual_psnr_db: float | None
    failures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ArtifactParity:
    """All goldens that fit an artifact's input size."""

    goldens: tuple[GoldenParity, ...]


def check_parity(bundle: Bundle, artifact: Artifact, *, runtime: str, threads: int) -> ArtifactParity:
    """Run an artifact on every golden of a size that it takes."""
    fitting = [g for g in bundle.manifest.goldens if artifact.fits(g.size)]
    if not fitting:
        raise InputError(f"{artifact.id}: no golden has its size; export the bundle again")
    session = open_session(bundle, artifact, runtime=runtime, threads=threads)
    return ArtifactParity(goldens=tuple(_check(bundle, session, golden) for golden in fitting))


def compare(
    image: NDArray[np.float32], reference: NDArray[np.float32], tolerance: Tolerance, *, ring: int
) -> tuple[float | None, float | None, tuple[float, ...], float | None, tuple[str, ...]]:
    """PSNR, max error, mean shift of each channel, border error, and what of these misses the tolerance."""
    if image.shape != reference.shape or not np.isfinite(image).all():
        return None, None, (), None, (f"output {image.shape} is not finite or not of shape {reference.shape}",)
    quality = psnr(image, reference)
    worst = max_abs_error(image, reference)
    shift = tuple(channel_mean_shift(image, reference))
    border = border_max_abs_error(image, reference, ring)
    largest_shift = max(abs(s) for s in shift)
    checks = (
        (quality >= tolerance.min_psnr_db, f"PSNR {quality:.1f} dB is below {tolerance.min_psnr_db:g}"),
        (worst <= tolerance.max_abs_error, f"max error {worst:.3g} is above {tolerance.max_abs_error:g}"),
        (
            largest_shift <= tolerance.max_mean_shift,
            f"mean shift {largest_shift:.3g} is above {tolerance.max_mean_shift:g}",
        ),
        (border <= tolerance.max_border_error, f"border error {border:.3g} is above {tolerance.max_border_error:g}"),
    )
    return _finite(quality), worst, shift, border, tuple(message for passed, message in checks if not passed)


def _check(bundle: Bundle, session: ImageSession, golden: Golden) -> GoldenParity:
    manifest, artifact = bundle.manifest, session.artifact
    image = bundle.tensor(golden.input)
    output = session.infer(image)
    tolerance = golden.tolerances.get(artifact.precision)
    if tolerance is None:
        raise InputError(f"{artifact.id}: golden {golden.id} has no tolerance for {artifact.precision}; export again")
    ring = BORDER_LR_PIXELS * manifest.scale
    residual_psnr: float | None = None
    residual_failures: tuple[str, ...] = ()
    if artifact.graph == "tile":
        residual = bundle.tensor(golden.residual)
        residual_psnr, _, _, _, messages = compare(output, residual, tolerance, ring=ring)
        residual_failures = tuple(f"residual: {message}" for message in messages)
        output = apply_residual(image, output, scale=manifest.scale, glue=manifest.glue)
    quality, worst, shift, border, failures = compare(output, bundle.tensor(golden.output), tolerance, ring=ring)
    return GoldenParity(
        golden=golden.id,
        k=golden.k,
        psnr_db=quality,
        max_abs_error=worst,
        mean_shift=shift,
        border_max_abs_error=border,
        residual_psnr_db=residual_psnr,
        failures=failures + residual_failures,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""An artifact's output on a golden, compared with what it should be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgesr.benchmarks.parity.comparison import Comparison, compare, flat_tile_failure
from edgesr.benchmarks.quality.metrics import max_abs_error, psnr
from edgesr.runtimes.arrays import FloatArray, Image
from edgesr.runtimes.bundle.manifest import Artifact, FileEntry, Golden, Tolerance
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.projection import apply_residual

BORDER_LR_PIXELS = 4


@dataclass(frozen=True)
class Judged:
    """One run of a golden: the SR image (3,H,W), how it compares, PSNR of a tile graph's residual, all failures."""

    image: Image
    comparison: Comparison
    residual_psnr_db: float | None
    failures: tuple[str, ...]

    def difference_from(self, other: Judged) -> float | None:
        """Largest difference between two SR images; None unless both are finite and of the golden's shape."""
        if self.comparison.max_abs_error is None or other.comparison.max_abs_error is None:
            return None
        return max_abs_error(self.image, other.image)


def bilinear_psnr_db(bundle: Bundle, golden: Golden) -> float:
    """PSNR (dB) of bilinear upsampling against a golden: inf if they are equal."""
    return psnr(upsample_bilinear(bundle.tensor(golden.input), bundle.manifest.scale), bundle.tensor(golden.output))


def judge_output(
    bundle: Bundle, artifact: Artifact, golden: Golden, output: FloatArray, tolerance: Tolerance, *, bilinear_db: float
) -> Judged:
    """Compare what an artifact gave (c,H,W): a residual has to keep its tolerance in fp32, otherwise the SR image is
    what counts.

    A residual that is not finite fails in every precision, also where the clip to [0,255] would hide it.
    """
    if artifact.graph != "tile":
        return judge_image(bundle, artifact, golden, output, tolerance, bilinear_db=bilinear_db)
    manifest = bundle.manifest
    ring = BORDER_LR_PIXELS * manifest.scale
    expected = bundle.tensor(residual_entry(golden, artifact))
    residual = compare(output, expected, tolerance, ring=ring)
    image = apply_residual(bundle.tensor(golden.input), output, scale=manifest.scale, glue=manifest.glue)
    run = judge_image(bundle, artifact, golden, image, tolerance, bilinear_db=bilinear_db)
    judged = artifact.is_reference or residual.max_abs_error is None
    of_residual = residual.failures if judged else ()
    failures = run.failures + tuple(f"residual: {failure}" for failure in of_residual)
    return replace(run, residual_psnr_db=residual.psnr_db, failures=failures)


def judge_image(
    bundle: Bundle, artifact: Artifact, golden: Golden, image: Image, tolerance: Tolerance, *, bilinear_db: float
) -> Judged:
    """Compare an SR image with what it should be."""
    manifest = bundle.manifest
    expected = bundle.tensor(golden.output)
    if artifact.inside_only:
        residual = bundle.tensor(residual_entry(golden, artifact))
        expected = apply_residual(bundle.tensor(golden.input), residual, scale=manifest.scale, glue=manifest.glue)
    ring = BORDER_LR_PIXELS * manifest.scale
    comparison = compare(image, expected, tolerance, ring=ring)
    worse = flat_tile_failure(comparison, bilinear_db)
    failures = comparison.failures if worse is None else (*comparison.failures, worse)
    return Judged(image, comparison, None, failures)


def golden_tolerance(artifact: Artifact, golden: Golden) -> Tolerance:
    """The difference from a golden that artifacts of this precision may have."""
    tolerance = golden.tolerances.get(artifact.precision)
    if tolerance is None:
        raise InputError(f"{artifact.id}: golden {golden.id} has no tolerance for {artifact.precision}; export again")
    return tolerance


def residual_entry(golden: Golden, artifact: Artifact) -> FileEntry:
    """The residual of the artifact's own padding."""
    if not artifact.inside_only:
        return golden.residual
    if golden.zero_padded_residual is None:
        raise InputError(f"{artifact.id}: golden {golden.id} has no zero-padded residual; export the bundle again")
    return golden.zero_padded_residual

"""Candidates whose quality is measured: named ways to upscale pixels. Here bicubic and a bundle's artifact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgesr.benchmarks.quality.degradations import upscale_bicubic
from edgesr.benchmarks.quality.image_pairs import ImageSet
from edgesr.benchmarks.results.header import bundle_identity
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.plan import plan_upscale
from edgesr.runtimes.upscaling.upscale import Upscaler

Upscale = Callable[[Pixels], Pixels]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """``upscale``: uint8 RGB (h,w,3) -> (s*h,s*w,3), rounded. ``sha256`` is that of the checkpoint or model file.

    ``artifact``, ``runtime`` and ``bundle`` (SHA-256 of its manifest) are None unless it is an artifact of a bundle.
    """

    name: str
    scale: int
    upscale: Upscale
    sha256: str | None = None
    artifact: str | None = None
    runtime: str | None = None
    bundle: str | None = None


def bicubic_candidate(scale: int) -> Candidate:
    """The usual baseline: Pillow's bicubic, a = -0.5."""
    return Candidate(name="bicubic", scale=scale, upscale=lambda lr: upscale_bicubic(lr, scale))


def bundle_candidate(
    bundle: Bundle, images: ImageSet, *, artifact_id: str | None = None, runtime: str | None = None
) -> Candidate:
    """One artifact of a bundle on one runtime: what was asked for, or the first that takes the first image.

    Raises an InputError when any image does not fit it.
    """
    artifact, runtime_name = _choose(bundle, images, artifact_id, runtime)
    upscaler = Upscaler(bundle, UpscaleOptions(artifact_id=artifact.id, runtime=runtime_name))

    def run(lr: Pixels) -> Pixels:
        return upscaler.array(lr)

    return Candidate(
        name=f"{bundle.root}: {artifact.id} on {runtime_name}",
        scale=bundle.manifest.scale,
        upscale=run,
        sha256=artifact.file.sha256,
        artifact=artifact.id,
        runtime=runtime_name,
        bundle=bundle_identity(bundle).manifest_sha256,
    )


def _choose(bundle: Bundle, images: ImageSet, artifact_id: str | None, runtime: str | None) -> tuple[Artifact, str]:
    options = UpscaleOptions(artifact_id=artifact_id, runtime=runtime)
    for place, pair in enumerate(images.pairs):
        size = pair.size(bundle.manifest.scale)
        try:
            plan = plan_upscale(bundle, size, options)
        except InputError as error:
            raise InputError(f"{pair.hr}: its LR does not fit: {error}") from error
        if place == 0:
            options = UpscaleOptions(artifact_id=plan.artifact.id, runtime=plan.runtime)
    return plan.artifact, plan.runtime

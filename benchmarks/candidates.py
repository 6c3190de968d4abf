"""What is measured for quality: named ways to upscale pixels. Here bicubic and a bundle's artifact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.degradations import upscale_bicubic
from benchmarks.image_pairs import ImageSet
from runtimes.bundle import Bundle
from runtimes.errors import EdgesrError, InputError
from runtimes.manifest import Artifact
from runtimes.session import open_session
from runtimes.upscale import check_size, choose_artifact, upscale

Pixels = NDArray[np.uint8]
Upscale = Callable[[Pixels], Pixels]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """``upscale``: uint8 RGB (h,w,3) -> (s*h,s*w,3), rounded. ``sha256`` is that of the checkpoint or model file.

    ``artifact`` and ``runtime`` are None unless it is an artifact of a bundle.
    """

    name: str
    scale: int
    upscale: Upscale
    sha256: str | None = None
    artifact: str | None = None
    runtime: str | None = None


def bicubic_candidate(scale: int) -> Candidate:
    """The usual baseline: Pillow's bicubic, a = -0.5."""
    return Candidate(name="bicubic", scale=scale, upscale=lambda lr: upscale_bicubic(lr, scale))


def bundle_candidate(
    bundle: Bundle, images: ImageSet, *, artifact_id: str | None = None, runtime: str | None = None
) -> Candidate:
    """One artifact of a bundle on one runtime: what was asked for, or the first that takes the first image.

    An InputError when any image does not fit it.
    """
    scale = bundle.manifest.scale
    artifact, runtime_name = _choose(bundle, images, artifact_id, runtime)
    session = open_session(bundle, artifact, runtime=runtime_name)
    name = f"{bundle.root}: {artifact.id} on {runtime_name}"
    return Candidate(
        name=name,
        scale=scale,
        upscale=lambda lr: _rounded(upscale(_planes(lr), session, scale=scale, glue=bundle.manifest.glue), name),
        sha256=artifact.file.sha256,
        artifact=artifact.id,
        runtime=runtime_name,
    )


def _choose(bundle: Bundle, images: ImageSet, artifact_id: str | None, runtime: str | None) -> tuple[Artifact, str]:
    sizes = {pair.hr: pair.size(bundle.manifest.scale) for pair in images.pairs}
    for file, size in sizes.items():
        check_size(bundle, size, f"{file}, reduced")
    first = next(iter(sizes.values()))
    artifact, runtime_name = choose_artifact(bundle, first, artifact_id=artifact_id, runtime=runtime)
    unfit = next((file for file, size in sizes.items() if not artifact.fits(size)), None)
    if unfit is not None:
        assert artifact.tile_size is not None
        wanted, found = ("x".join(map(str, size)) for size in (artifact.tile_size, sizes[unfit]))
        raise InputError(
            f"{unfit}: its LR is {found} (height x width), {artifact.id} takes only {wanted}; give images of one "
            "size, or --runtime or --artifact with dynamic sizes"
        )
    return artifact, runtime_name


def _planes(pixels: Pixels) -> NDArray[np.float32]:
    """uint8 (h,w,3) -> float32 (3,h,w)."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)


def _rounded(image: NDArray[np.float32], name: str) -> Pixels:
    """float32 (3,H,W) -> uint8 (H,W,3)."""
    if not np.isfinite(image).all():
        raise EdgesrError(f"{name}: gives values that are not finite; check it with 'edgesr parity'")
    return np.rint(image).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)

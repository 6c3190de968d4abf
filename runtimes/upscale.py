"""Upscale a whole image with an artifact: a full graph in one call, or a tile graph and the numpy glue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runtimes.bundle import Bundle
from runtimes.errors import InputError
from runtimes.manifest import Artifact, Glue, Size
from runtimes.projection import noise_level, projection_factor, subtract_and_clip, upsample_bilinear
from runtimes.registry import runtime_info
from runtimes.session import ImageSession

Image = NDArray[np.float32]


def upscale(image: Image, session: ImageSession, *, scale: int, glue: Glue) -> Image:
    """LR (3,h,w) in [0,255] -> SR (3,s*h,s*w) in [0,255]; the image must fit the session's artifact whole."""
    result = session.infer(image)
    return result if session.artifact.graph == "full" else apply_residual(image, result, scale=scale, glue=glue)


def apply_residual(image: Image, residual: Image, *, scale: int, glue: Glue) -> Image:
    """SR of a whole image (3,h,w) from its residual (3,s*h,s*w): noise level, projection and clip."""
    upsampled = upsample_bilinear(image, scale)
    k = 1.0
    if glue.noise_level is not None and glue.alpha is not None:
        k = projection_factor(residual, sigma=noise_level(upsampled), alpha=glue.alpha)
    return subtract_and_clip(upsampled, residual, k)


def check_size(bundle: Bundle, size: Size, name: str) -> None:
    """Refuse an image (h,w) below the network's least side, naming it."""
    least = bundle.manifest.minimum_side
    if min(size) < least:
        raise InputError(f"{name}: {size[1]}x{size[0]} pixels is too small, each side needs at least {least}")


def choose_artifact(
    bundle: Bundle, size: Size, *, artifact_id: str | None = None, runtime: str | None = None
) -> tuple[Artifact, str]:
    """The artifact and runtime to upscale an image of ``size`` (h,w) with: what was asked for, or the first that fits.

    Installed runtimes only unless one is named; full graphs come before tile graphs, float32 before other precisions.
    """
    if artifact_id is not None:
        candidates = [bundle.artifact(artifact_id)]
    else:
        candidates = sorted(
            bundle.manifest.artifacts, key=lambda a: (a.legacy, a.graph != "full", a.precision != "fp32")
        )
    if runtime is not None:
        runtime_info(runtime)
    pairs = [(a, r) for a in candidates for r in a.runtimes if runtime in (None, r)]
    if not pairs:
        known = ", ".join(sorted({r for a in candidates for r in a.runtimes}))
        raise InputError(f"{bundle.root}: nothing in it opens in runtime {runtime!r}; it has files for {known}")
    fitting = [(a, r) for a, r in pairs if a.fits(size)]
    if not fitting:
        sizes = ", ".join(f"{a.id} ({a.tile_size[0]}x{a.tile_size[1]})" for a, _ in pairs if a.tile_size)
        raise InputError(
            f"no artifact takes an image of {size[0]}x{size[1]} (height x width); fixed sizes here: {sizes}. "
            "Export with --tile-size, or use a runtime with dynamic sizes"
        )
    return next(((a, r) for a, r in fitting if runtime or runtime_info(r).version()), fitting[0])

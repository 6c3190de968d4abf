"""Quality: how near is an upscaled picture to HR? PSNR, SSIM and, where given, a perceptual distance."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgesr.benchmarks.machine.environment import Environment, current_environment
from edgesr.benchmarks.quality.candidates import Candidate
from edgesr.benchmarks.quality.degradations import Degradation, crop_to_multiple, degradation_of_image
from edgesr.benchmarks.quality.figures import Compared, PerceptualDistance, Quality, mean_quality, measured
from edgesr.benchmarks.quality.image_pairs import ImagePair, ImageSet, SkippedImage
from edgesr.benchmarks.results.header import ResultFile, utc_now
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import read_rgb8
from edgesr.runtimes.progress import Progress, ProgressEvent, silent
from edgesr.runtimes.wording import printable


@dataclass(frozen=True, kw_only=True)
class MeasuredImage:
    """An image of the folder: HR size after cropping to a multiple of the scale, and what became of its LR.

    ``lr`` is "file" for the pair's own LR, "bicubic" for one made from HR; ``degradation`` is what was drawn.
    """

    image: str
    height: int
    width: int
    lr: Literal["file", "bicubic"]
    degradation: str


@dataclass(frozen=True, kw_only=True)
class CandidateQuality:
    """``images`` are in the order of `QualityResults.images`; ``sha256`` is of the checkpoint or model file.

    ``bundle`` is the SHA-256 of the manifest of the artifact's bundle, None for others and in files of edgesr 0.1.0.
    """

    candidate: str
    sha256: str | None
    artifact: str | None
    runtime: str | None
    mean: Quality
    images: tuple[Quality, ...]
    bundle: str | None = None


@dataclass(frozen=True, kw_only=True)
class QualityResults(ResultFile):
    """Content of ``edgesr eval --json``; ``data`` is the folder's name."""

    KIND = "quality"
    VERSION = 7
    OLDEST_VERSION = 6
    COMMAND = "edgesr eval --json"

    schema_version: int
    kind: str
    created_utc: str
    environment: Environment
    data: str
    degradation: str
    seed: int
    scale: int
    border: int
    st_lpips_weights: str | None
    images: tuple[MeasuredImage, ...]
    skipped: tuple[SkippedImage, ...]
    results: tuple[CandidateQuality, ...]


def measure_quality(
    candidates: Sequence[Candidate],
    images: ImageSet,
    *,
    degradation: str,
    seed: int = 0,
    distance: PerceptualDistance | None = None,
    progress: Progress = silent,
) -> QualityResults:
    """Let every candidate upscale the same LR images and compare with HR; the border is as many pixels as the scale."""
    scale = common_scale(candidates)
    for pair in images.pairs:
        pair.size(scale)
    described: list[MeasuredImage] = []
    rows: list[list[Quality]] = [[] for _ in candidates]
    for done, pair in enumerate(images.pairs):
        hr, lr, image = degraded_pair(pair, scale=scale, degradation=degradation, seed=seed)
        described.append(image)
        for place, (candidate, row) in enumerate(zip(candidates, rows, strict=True)):
            progress(ProgressEvent("eval", done * len(rows) + place, len(images.pairs) * len(rows), image.image))
            row.append(_compare(candidate.upscale(lr), hr, scale, distance))
    progress(ProgressEvent("eval", len(described) * len(rows), len(described) * len(rows)))
    return QualityResults(
        schema_version=QualityResults.VERSION,
        kind=QualityResults.KIND,
        created_utc=utc_now(),
        environment=current_environment(),
        data=printable(images.folder.resolve().name),
        degradation=degradation,
        seed=seed,
        scale=scale,
        border=scale,
        st_lpips_weights=distance.weights if distance else None,
        images=tuple(described),
        skipped=images.skipped,
        results=tuple(_result(candidate, row) for candidate, row in zip(candidates, rows, strict=True)),
    )


def degraded_pair(pair: ImagePair, *, scale: int, degradation: str, seed: int) -> tuple[Pixels, Pixels, MeasuredImage]:
    """HR (s*h,s*w,3) and degraded LR (h,w,3), uint8 RGB.

    Random numbers are a function of the seed and the HR file's name alone. A blur is applied to HR, as is a chain of
    `real`: a paired LR file is then not used.
    """
    random = np.random.default_rng((seed, *hashlib.sha256(os.fsencode(pair.hr.name)).digest()))
    steps = degradation_of_image(degradation, random, scale)
    hr = crop_to_multiple(read_rgb8(pair.hr), scale)
    if pair.lr and isinstance(steps, Degradation) and not steps.blur:
        source: Literal["file", "bicubic"] = "file"
        lr = steps.spoil(read_rgb8(pair.lr), random)
    else:
        source = "bicubic"
        lr = steps.apply(hr, scale, random)
    described = MeasuredImage(
        image=printable(pair.hr.name),
        height=hr.shape[0],
        width=hr.shape[1],
        lr=source,
        degradation=steps.text,
    )
    return hr, lr, described


def common_scale(candidates: Sequence[Candidate]) -> int:
    """Scale of all candidates; raises an InputError when they differ."""
    scales = {candidate.scale for candidate in candidates}
    if len(scales) > 1:
        listed = ", ".join(f"{candidate.name} x{candidate.scale}" for candidate in candidates)
        raise InputError(f"candidates of unlike scale cannot be measured on the same images: {listed}")
    return scales.pop()


def _compare(sr: Pixels, hr: Pixels, border: int, distance: PerceptualDistance | None) -> Quality:
    if sr.shape != hr.shape:
        raise InputError(f"upscaled to {sr.shape} instead of {hr.shape} (height, width, channels)")
    return measured(Compared(sr, hr, border, distance))


def _result(candidate: Candidate, images: list[Quality]) -> CandidateQuality:
    return CandidateQuality(
        candidate=candidate.name,
        sha256=candidate.sha256,
        artifact=candidate.artifact,
        runtime=candidate.runtime,
        mean=mean_quality(images),
        images=tuple(images),
        bundle=candidate.bundle,
    )

"""Degradation of a batch of training patches on its device: the host draws what to do, for all samples at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from torch import Tensor

from edgesr.benchmarks.quality.image_steps import FILTERS
from edgesr.benchmarks.quality.photograph_chain import camera_side
from edgesr.benchmarks.quality.photograph_draws import MAX_FACTOR, DegradationDraws
from edgesr.sr_model.training.degradations.draws import DrawingPlan
from edgesr.sr_model.training.degradations.jpeg import through_jpeg
from edgesr.sr_model.training.degradations.noise import MARGIN, with_camera_noise, with_white_noise
from edgesr.sr_model.training.degradations.resampling import blurred_and_resized, resized
from edgesr.sr_model.training.degradations.rows import Rows, full_precision, on_rows, put, take, to_levels
from edgesr.sr_model.training.degradations.sharpening import unsharp

Regions = Callable[[Rows], Tensor]
"""Gives the samples at some places of the batch: most degradations need HR of few."""

Normal = Callable[[tuple[int, ...]], Tensor]
"""Gives standard normal noise of a shape, float32 on the batch's device."""


class BatchDegrader:
    """A degradation by name (`edgesr.benchmarks.quality.degradations`), for batches on any device.

    The host draws (`draw`) and the device computes (the call), with no step that waits for it. A sample becomes the
    same, up to rounding, whatever other samples are in its batch: processes that share a batch draw all of it and keep
    their `part`.
    """

    def __init__(self, degradation: str, scale: int) -> None:
        self._plan = DrawingPlan(degradation, scale)

    def draw(self, random: np.random.Generator, count: int) -> DegradationDraws:
        """Settings of a batch of ``count`` samples."""
        return self._plan.draw(random, count)

    def __call__(self, hr: Regions, lr: Tensor, draws: DegradationDraws, normal: Normal) -> Tensor:
        """The bicubic reduction (N,3,h,w) of HR -> degraded LR (N,3,h,w). ``hr`` gives HR (n,3,s*h,s*w) of samples.

        float32, whole numbers in [0,255], any memory format; nothing is changed in place, and `clean` gives ``lr``
        itself. ``normal`` is asked once for `real`, `mix` and named noise, and never for the others; the shape depends
        on the size of LR and starts with N, so that a process can give its part of the whole batch's noise.
        """
        with full_precision(lr.device):
            pictures = self._taken(hr, lr, draws, normal)
            return self._published(pictures, draws, normal)

    def _taken(self, hr: Regions, lr: Tensor, draws: DegradationDraws, normal: Normal) -> Tensor:
        """Up to the camera's JPEG, reduced to LR."""
        noise = normal(_noise_shape(lr)) if self._plan.camera_noise else None
        result = lr
        for camera, rows in _cameras(draws, lr.shape[2], lr.shape[3]):
            own = draws.at(rows)
            picture = self._reduced(hr, lr, own, camera, rows)
            if noise is not None:
                picture = _processed(picture, own, take(noise, rows))
            if (camera.height, camera.width) != lr.shape[2:]:
                picture = to_levels(resized(picture, lr.shape[2], lr.shape[3], camera.second_filter))
            result = put(result, rows, picture)
        return result

    def _reduced(self, hr: Regions, lr: Tensor, own: DegradationDraws, camera: _Camera, rows: Rows) -> Tensor:
        """HR, blurred, at the camera's size; LR itself where that is the same."""

        def reduce(part: Rows) -> Tensor:
            radius = self._plan.blur_radius
            blurred = blurred_and_resized(
                hr(rows[part]),
                own.blur_y[part],
                own.blur_x[part],
                radius=radius,
                height=camera.height,
                width=camera.width,
                kind=camera.first_filter,
            )
            return to_levels(blurred)

        if (camera.height, camera.width, camera.first_filter) != (*lr.shape[2:], "bicubic"):
            return reduce(np.arange(len(rows)))
        blurred = np.flatnonzero(own.blur_x)
        return put(take(lr, rows), blurred, reduce(blurred)) if len(blurred) else take(lr, rows)

    def _published(self, lr: Tensor, draws: DegradationDraws, normal: Normal) -> Tensor:
        """White noise, and the JPEG of the web."""
        if self._plan.white_noise:
            noise, rows = normal(tuple(lr.shape)), np.flatnonzero(draws.noise)
            lr = on_rows(lr, rows, lambda part: with_white_noise(part, draws.noise[rows], take(noise, rows)))
        compressed = np.flatnonzero(draws.web_jpeg)
        return on_rows(lr, compressed, lambda part: through_jpeg(part, draws.web_jpeg[compressed]))


class _Camera(NamedTuple):
    """Values that samples which are computed together share."""

    height: int
    width: int
    first_filter: str
    second_filter: str


def _cameras(draws: DegradationDraws, height: int, width: int) -> list[tuple[_Camera, Rows]]:
    """Samples by camera; those of a camera at LR size that have nothing to be done are in none."""
    found: dict[_Camera, list[int]] = defaultdict(list)
    busy = (draws.blur_x > 0) | (draws.shot > 0) | (draws.sharpen > 0) | (draws.camera_jpeg > 0)
    settings = zip(draws.factor.tolist(), draws.first_filter.tolist(), draws.second_filter.tolist(), strict=True)
    for row, (factor, first, second) in enumerate(settings):
        camera = _Camera(camera_side(height, factor), camera_side(width, factor), FILTERS[first], FILTERS[second])
        if busy[row] or camera[:3] != (height, width, "bicubic"):
            found[camera].append(row)
    return [(camera, np.array(rows)) for camera, rows in found.items()]


def _processed(picture: Tensor, own: DegradationDraws, noise: Tensor) -> Tensor:
    """The processing of a camera: noise, sharpening, JPEG."""
    noisy, sharpened, compressed = (np.flatnonzero(c) for c in (own.shot, own.sharpen, own.camera_jpeg))
    height, width = (side + MARGIN for side in picture.shape[2:])
    settings = own.at(noisy)

    def add_noise(part: Tensor) -> Tensor:
        return with_camera_noise(part, settings, take(noise, noisy)[:, :, :height, :width])

    picture = on_rows(picture, noisy, add_noise)
    picture = on_rows(picture, sharpened, lambda x: unsharp(x, own.sharpen[sharpened], own.sharpen_sigma[sharpened]))
    return on_rows(picture, compressed, lambda x: through_jpeg(x, own.camera_jpeg[compressed]))


def _noise_shape(lr: Tensor) -> tuple[int, ...]:
    """The shape of the largest camera's picture with its margin."""
    count, channels, height, width = lr.shape
    return count, channels, camera_side(height, MAX_FACTOR) + MARGIN, camera_side(width, MAX_FACTOR) + MARGIN

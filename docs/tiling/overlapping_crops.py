"""The published way to upscale a large image, in overlapping crops, and edgesr's tiles, both against the whole image.

Source: `crop_forward` of SRResCycGAN (github.com/RaoUmer/SRResCycGAN, srrescycgan_code_demo/test_srrescycgan.py), after
`forward_chop` of EDSR (github.com/sanghyun-son/EDSR-PyTorch). Each crop goes through the network as an image of its
own: with its own border, its own noise level and its own norm of the residual.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from edgesr.benchmarks.quality.metrics import max_abs_error, psnr
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.arrays import AnyPixels, Image
from edgesr.runtimes.bundle.manifest import Glue, Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.noise_level import noise_level
from edgesr.runtimes.glue.projection import apply_residual, projection_factor, square_sum
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.pixels import rgb_values
from edgesr.runtimes.upscaling.tiles import Span
from edgesr.runtimes.upscaling.upscale import Upscaler
from edgesr.runtimes.wording import counted

SHAVE = 10
MIN_PIXELS = 100_000
"""Of SRResCycGAN; EDSR has 160000."""


def upscale_in_crops(
    image: AnyPixels,
    upscale_whole: Callable[[AnyPixels], AnyPixels],
    *,
    scale: int,
    shave: int = SHAVE,
    min_pixels: int = MIN_PIXELS,
) -> AnyPixels:
    """RGB (h,w,3) -> (s*h,s*w,3) as `crop_forward` does it.

    Four crops of (h//2+shave, w//2+shave) LR pixels, one at each corner; one with fewer than ``min_pixels`` is upscaled
    on its own, a larger one is cut again. Their results are cut at the middle of the image and put side by side.
    """
    height, width = image.shape[:2]
    _require_cuttable((height, width), shave, min_pixels)
    result = np.empty((height * scale, width * scale, 3), dtype=image.dtype)
    for rows, columns in product(_halves(height, shave), _halves(width, shave)):
        crop = image[rows.start : rows.stop, columns.start : columns.stop]
        if crop.shape[0] * crop.shape[1] < min_pixels:
            upscaled = upscale_whole(crop)
        else:
            upscaled = upscale_in_crops(crop, upscale_whole, scale=scale, shave=shave, min_pixels=min_pixels)
        result[_kept(rows, 0, scale), _kept(columns, 0, scale)] = upscaled[
            _kept(rows, rows.start, scale), _kept(columns, columns.start, scale)
        ]
    return result


def _halves(length: int, shave: int) -> tuple[Span, Span]:
    middle = length // 2
    return Span(0, middle + shave, 0, middle), Span(length - middle - shave, length, middle, length)


def _kept(span: Span, origin: int, scale: int) -> slice:
    """The part of an upscaled span that is kept, counted from ``origin``."""
    return slice((span.keep_start - origin) * scale, (span.keep_stop - origin) * scale)


def _require_cuttable(size: Size, shave: int, min_pixels: int) -> None:
    """Crops get no smaller than two shaves a side, so that a smaller ``min_pixels`` would never be reached."""
    if min_pixels <= (2 * shave) ** 2:
        raise InputError(f"min_pixels is {min_pixels}: need more than {(2 * shave) ** 2} with a shave of {shave}")
    if any(side // 2 + shave > side for side in size):
        wanted = counted(shave, "pixel")
        raise InputError(f"an image of {size[0]}x{size[1]} (height x width) is too small for a shave of {wanted}")


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """The difference from the whole-image result, in grey levels of 0..255; ``psnr_db`` is infinite for identical
    images.
    """

    max_abs_error: float
    rms: float
    psnr_db: float


@dataclass(frozen=True, kw_only=True, eq=False)
class TilingComparison:
    """SR images (s*h,s*w,3), float32 in [0,255], and how far crops and tiles are from ``whole``.

    ``whole_factor`` and ``crop_factors`` are the projection's k of the image and of each crop; 1 without a projection.
    """

    whole: Image
    crops: Image
    tiles: Image
    crops_deviation: Deviation
    tiles_deviation: Deviation
    whole_factor: float
    crop_factors: tuple[float, ...]
    tile_size: Size
    tile_count: int


def compare_with_whole(
    image: AnyPixels, bundle: Bundle, *, memory_bytes: int, threads: int = 1, min_pixels: int = MIN_PIXELS
) -> TilingComparison:
    """Upscale in one piece, in overlapping crops, and in edgesr's tiles that fit ``memory_bytes``; nothing is rounded.

    The whole image and the crops take one call of the tile graph and `apply_residual`, without the code that tiles.
    """
    image = image.astype(np.float32)
    one_piece = _OnePiece(bundle, (image.shape[0], image.shape[1]), threads)
    whole = one_piece.upscale(image)
    crops = upscale_in_crops(image, one_piece.upscale, scale=bundle.manifest.scale, min_pixels=min_pixels)
    upscaler = Upscaler(bundle, UpscaleOptions(memory_bytes=memory_bytes, threads=threads))
    tiles = upscaler.array(image)
    grid = upscaler.plan((image.shape[0], image.shape[1])).grid
    return TilingComparison(
        whole=whole,
        crops=crops,
        tiles=tiles,
        crops_deviation=deviation(crops, whole),
        tiles_deviation=deviation(tiles, whole),
        whole_factor=one_piece.factors[0],
        crop_factors=tuple(one_piece.factors[1:]),
        tile_size=grid.tile_size,
        tile_count=grid.tiles,
    )


def deviation(image: Image, reference: Image) -> Deviation:
    """The difference of an image from a reference."""
    difference = np.subtract(image, reference, dtype=np.float64)
    return Deviation(
        max_abs_error=max_abs_error(image, reference),
        rms=math.sqrt(float(np.square(difference).mean())),
        psnr_db=psnr(image, reference),
    )


class _OnePiece:
    """Upscales images in one call each, and remembers the projection's factor of each."""

    def __init__(self, bundle: Bundle, size: Size, threads: int) -> None:
        options = UpscaleOptions(tile_size=size, threads=threads)
        plan = Upscaler(bundle, options).plan(size)
        if plan.artifact.graph != "tile" or plan.grid.tiles != 1:
            raise InputError(f"{bundle.root}: need a tile graph that takes an image of any size")
        self._session = open_session(bundle, plan.artifact, runtime=plan.runtime, threads=threads)
        self._scale, self._glue = bundle.manifest.scale, bundle.manifest.glue
        self.factors: list[float] = []

    def upscale(self, image: AnyPixels) -> AnyPixels:
        lr = rgb_values(image)
        residual = self._session.infer(lr)
        self.factors.append(_factor(lr, residual, self._scale, self._glue))
        return apply_residual(lr, residual, scale=self._scale, glue=self._glue).transpose(1, 2, 0)


def _factor(lr: Image, residual: Image, scale: int, glue: Glue) -> float:
    if glue.noise_level is None or glue.alpha is None:
        return 1.0
    sigma = noise_level(upsample_bilinear(lr, scale))
    return projection_factor(square_sum(residual), residual.size, sigma=sigma, alpha=glue.alpha)

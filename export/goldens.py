"""Goldens: float32 runs of the reference on photographs, among them the cases of the projection factor k.

k = 1           a photograph as it is
0.2 < k < 0.8   the same, over-exposed until much of it is clipped and the noise level drops
0 < k < 0.05    over-exposed further
k = 0           a flat image: the noise level is exactly 0

A generator without projection has no k: its over-exposed photograph is half clipped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from edgesr.export.calibration.photographs import photograph
from edgesr.export.recorded_values import sampled
from edgesr.export.records import GoldenRecord, write_goldens
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.colour import network_image
from edgesr.runtimes.glue.noise_level import noise_level
from edgesr.runtimes.glue.projection import projection_factor, square_sum
from edgesr.sr_model.generators.foreign.program import ForeignGenerator
from edgesr.sr_model.generators.foreign.recorded import record_layers
from edgesr.sr_model.generators.generator import Generator, zero_padded

SMALLEST_SIZE: Size = (16, 24)
OTHER_SIZES: tuple[Size, ...] = ((33, 47), (64, 64), (120, 200))
_PHOTOGRAPH = "photograph"
"""All files of a bundle take its size, those of users' networks no other one."""
_PARTIAL_K = (0.2, 0.8)
_SUPPRESSED_K = (0.0005, 0.05)
_MAX_EXPOSURE = 64.0

AnyGenerator = Generator | ForeignGenerator


def record_goldens(generator: AnyGenerator, tile_size: Size, folder: Path) -> None:
    """Run the generator on every golden input and write tensors (.npy) and their records into a folder."""
    write_goldens(folder, [_record(generator, *golden, folder) for golden in _inputs(generator, tile_size)])


def _inputs(generator: AnyGenerator, tile_size: Size) -> Iterator[tuple[str, str, Image, Image]]:
    """Name, source, LR image and residual of every golden."""
    image = _seen(generator, photograph("cat", tile_size))
    yield _PHOTOGRAPH, "cat", image, _residual(generator, image)
    for name, exposure, image, residual in _overexposed(generator, photograph("astronaut", tile_size)):
        yield name, f"astronaut, exposure x{exposure:.3f}", image, residual
    image = _seen(generator, np.full((3, *tile_size), 128, dtype=np.float32))
    yield "flat", "uniform grey 128", image, _residual(generator, image)
    for size, name in zip((SMALLEST_SIZE, *OTHER_SIZES), ("coffee", "galaxies", "cameraman", "rocket"), strict=True):
        if size != tile_size and min(size) >= generator.config.minimum_side:
            image = _seen(generator, photograph(name, size))
            yield f"{size[0]}x{size[1]}", name, image, _residual(generator, image)


def _seen(generator: AnyGenerator, image: Image) -> Image:
    """An RGB image (3,h,w) in the channels that the generator takes."""
    return network_image(image, generator.config.colour)


def expose(image: Image, factor: float) -> Image:
    """Over-expose: brighten by a factor, clip at 255 and round to 8 bits."""
    return np.rint(np.clip(image * np.float32(factor), 0, 255))


def _overexposed(generator: AnyGenerator, base: Image) -> Iterator[tuple[str, float, Image, Image]]:
    """Name, exposure, image and residual: for both ranges of k, or half clipped where there is no projection."""
    alpha = generator.glue.alpha
    if alpha is None:
        exposure = 255.0 / max(float(np.median(base)), 1.0)
        image = _seen(generator, expose(base, exposure))
        yield "half-clipped", exposure, image, _residual(generator, image)
        return
    residual = _residual(generator, base)
    for name, bounds in (("clipped", _PARTIAL_K), ("blown-out", _SUPPRESSED_K)):
        exposure, image, residual = _expose_for_factor(generator, alpha, base, residual, bounds)
        yield name, exposure, image, residual


def _expose_for_factor(
    generator: AnyGenerator, alpha: float, base: Image, residual: Image, bounds: tuple[float, float]
) -> tuple[float, Image, Image]:
    """Exposure of ``base`` at which k lies within bounds, or comes close; with the exposed image and its residual.

    k falls from its value at exposure 1 to 0 where half of the image is clipped. The norm of the residual changes
    little next to the noise level, so it is that of the last ``residual`` and the bisection takes noise levels alone.
    """
    low, high = bounds
    scale = generator.config.scale
    target = (low * high) ** 0.5
    for _ in range(4):
        least_sigma = target * _root_mean_square(residual) / math.exp(alpha)
        exposure = _bisect_exposure(base, scale, least_sigma=least_sigma)
        image = expose(base, exposure)
        residual = _residual(generator, image)
        sigma = noise_level(upsample_bilinear(image, scale))
        if low < projection_factor(square_sum(residual), residual.size, sigma=sigma, alpha=alpha) < high:
            break
    return exposure, image, residual


def _bisect_exposure(image: Image, scale: int, *, least_sigma: float) -> float:
    """Largest exposure whose noise level is still at least ``least_sigma``: the noise level falls with exposure."""
    low, high = 1.0, _MAX_EXPOSURE
    for _ in range(20):
        middle = (low * high) ** 0.5
        enough = noise_level(upsample_bilinear(expose(image, middle), scale)) >= least_sigma
        low, high = (middle, high) if enough else (low, middle)
    return low


def _record(
    generator: AnyGenerator, name: str, source: str, image: Image, residual: Image, folder: Path
) -> GoldenRecord:
    with torch.inference_mode():
        upsampled = generator.upsample(torch.from_numpy(image)[None])
        output = generator.subtract(upsampled, torch.from_numpy(residual)[None])[0].numpy()
        k, sigma = generator.factor_and_noise_level(upsampled, torch.from_numpy(residual)[None])
    files = {}
    tensors = {"input": image, "output": output, "residual": residual}
    if isinstance(generator, Generator) and generator.config.padding != "zero":
        tensors["zero_padded_residual"] = _residual(zero_padded(generator), image)
    for role, values in tensors.items():
        files[role] = f"{name}.{role}.npy"
        np.save(folder / files[role], values)
    size = (image.shape[1], image.shape[2])
    records = name == _PHOTOGRAPH if isinstance(generator, ForeignGenerator) else size == SMALLEST_SIZE
    intermediates = _record_intermediates(generator, image, folder) if records else {}
    return GoldenRecord(name, size, k, sigma, source, files, intermediates)


def _record_intermediates(generator: AnyGenerator, image: Image, folder: Path) -> dict[str, str]:
    """Outputs of the modules that the generator names, or a sample of each layer's output of a user's network."""
    names: dict[str, str] = {}

    def save(name: str, values: Image) -> None:
        names[name] = f"intermediate.{len(names)}.npy"
        np.save(folder / names[name], values)

    lr = torch.from_numpy(image)[None]
    with torch.inference_mode():
        if isinstance(generator, ForeignGenerator):
            record_layers(generator.picture, lr, lambda name, output: save(name, sampled(output.numpy())))
            return names
        handles = [
            module.register_forward_hook(lambda _m, _i, output, name=name: save(name, output[0].numpy()))
            for name, module in generator.recorded_modules().items()
        ]
        generator.residual(lr)
    for handle in handles:
        handle.remove()
    return names


def _residual(generator: AnyGenerator, image: Image) -> Image:
    with torch.inference_mode():
        residual: Image = generator.residual(torch.from_numpy(image)[None])[0].numpy()
    if not np.isfinite(residual).all():
        raise InputError(
            f"{generator.config.name}: its residual of a photograph is not finite, its weights are too large; "
            "give another checkpoint"
        )
    return residual


def _root_mean_square(values: Image) -> float:
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))

"""Goldens: float32 PyTorch runs on photographs that cover the cases of the projection factor k.

k = 1           a photograph as it is
0.2 < k < 0.8   the same, over-exposed until much of it is clipped and the noise level drops
0 < k < 0.05    over-exposed further
k = 0           a flat image: the noise level is exactly 0
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.records import GoldenRecord, write_goldens
from export.samples import photograph
from runtimes.manifest import Size
from runtimes.projection import noise_level, projection_factor, upsample_bilinear
from sr_model.generator import Generator

Image = NDArray[np.float32]

SMALLEST_SIZE: Size = (16, 24)
OTHER_SIZES: tuple[Size, ...] = ((33, 47), (64, 64), (120, 200))
_PARTIAL_K = (0.2, 0.8)
_SUPPRESSED_K = (0.0005, 0.05)
_MAX_EXPOSURE = 64.0


def record_goldens(generator: Generator, tile_size: Size, folder: Path) -> None:
    """Run the generator on every golden input and write tensors (.npy) and their records into a folder."""
    write_goldens(folder, [_record(generator, *golden, folder) for golden in _inputs(generator, tile_size)])


def _inputs(generator: Generator, tile_size: Size) -> Iterator[tuple[str, str, Image, Image]]:
    """Name, source, LR image and residual of every golden."""
    image = photograph("cat", tile_size)
    yield "photograph", "cat", image, _residual(generator, image)
    base = photograph("astronaut", tile_size)
    residual = _residual(generator, base)
    for name, (low, high) in (("clipped", _PARTIAL_K), ("blown-out", _SUPPRESSED_K)):
        exposure, image, residual = _overexpose(generator, base, residual, low, high)
        yield name, f"astronaut, exposure x{exposure:.3f}", image, residual
    image = np.full((3, *tile_size), 128, dtype=np.float32)
    yield "flat", "uniform grey 128", image, _residual(generator, image)
    for size, name in zip((SMALLEST_SIZE, *OTHER_SIZES), ("coffee", "galaxies", "cameraman", "rocket"), strict=True):
        if size != tile_size:
            image = photograph(name, size)
            yield f"{size[0]}x{size[1]}", name, image, _residual(generator, image)


def expose(image: Image, factor: float) -> Image:
    """Over-expose: brighten by a factor, clip at 255 and round to 8 bits."""
    return np.rint(np.clip(image * np.float32(factor), 0, 255))


def _overexpose(
    generator: Generator, base: Image, residual: Image, low: float, high: float
) -> tuple[float, Image, Image]:
    """Exposure of ``base`` at which k lies in (low, high), or comes close; with the exposed image and its residual.

    k falls from its value at exposure 1 to 0 where half of the image is clipped. The norm of the residual changes
    little beside the noise level, so it is that of the last ``residual`` and the bisection takes noise levels alone.
    """
    target = (low * high) ** 0.5
    for _ in range(4):
        exposure = _bisect_exposure(generator, base, bound=target * _root_mean_square(residual))
        image = expose(base, exposure)
        residual = _residual(generator, image)
        if low < _factor(generator, image, residual) < high:
            break
    return exposure, image, residual


def _bisect_exposure(generator: Generator, image: Image, *, bound: float) -> float:
    """Largest exposure whose exp(alpha)*sigma is still at least ``bound``: the noise level falls with exposure."""
    gain = generator.alpha.exp().item()
    scale = generator.config.scale
    low, high = 1.0, _MAX_EXPOSURE
    for _ in range(20):
        middle = (low * high) ** 0.5
        enough = gain * noise_level(upsample_bilinear(expose(image, middle), scale)) >= bound
        low, high = (middle, high) if enough else (low, middle)
    return low


def _record(generator: Generator, name: str, source: str, image: Image, residual: Image, folder: Path) -> GoldenRecord:
    with torch.inference_mode():
        upsampled = generator.upsample(torch.from_numpy(image)[None])
        output = generator.subtract(upsampled, torch.from_numpy(residual)[None])[0].numpy()
        sigma = generator.noise_level(upsampled)
        k = generator.projection_factor(torch.from_numpy(residual)[None], sigma).item()
    files = {}
    for role, values in (("input", image), ("output", output), ("residual", residual)):
        files[role] = f"{name}.{role}.npy"
        np.save(folder / files[role], values)
    size = (image.shape[1], image.shape[2])
    intermediates = _record_intermediates(generator, image, folder) if size == SMALLEST_SIZE else {}
    return GoldenRecord(name, size, k, sigma.item(), source, files, intermediates)


def _record_intermediates(generator: Generator, image: Image, folder: Path) -> dict[str, str]:
    """Outputs of the head and of every block, by module name."""
    names: dict[str, str] = {}

    def save(name: str, output: Tensor) -> None:
        names[name] = f"intermediate.{name}.npy"
        np.save(folder / names[name], output[0].numpy())

    modules = {n: m for n, m in generator.body.named_modules() if n == "head" or n.removeprefix("blocks.").isdigit()}
    handles = [
        module.register_forward_hook(lambda _m, _i, output, name=name: save(name, output))
        for name, module in modules.items()
    ]
    with torch.inference_mode():
        generator.residual(torch.from_numpy(image)[None])
    for handle in handles:
        handle.remove()
    return names


def _residual(generator: Generator, image: Image) -> Image:
    with torch.inference_mode():
        residual: Image = generator.residual(torch.from_numpy(image)[None])[0].numpy()
    return residual


def _factor(generator: Generator, image: Image, residual: Image) -> float:
    sigma = noise_level(upsample_bilinear(image, generator.config.scale))
    return projection_factor(residual, sigma=sigma, alpha=generator.alpha.item())


def _root_mean_square(values: Image) -> float:
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))

"""Quality of a generator on a folder of HR photographs: PSNR against HR, bicubic beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.degradations import crop_to_multiple, downscale_bicubic, upscale_bicubic
from benchmarks.metrics import crop_border, luma, psnr
from benchmarks.tables import Table
from runtimes.errors import InputError
from runtimes.image_io import list_images, read_rgb8
from runtimes.progress import Progress, ProgressEvent, silent
from sr_model.generator import Generator

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ImageQuality:
    """PSNR in dB of one image, ``scale`` border pixels left out: on luma (Y) and on RGB, ours and bicubic."""

    name: str
    psnr_y_db: float
    psnr_rgb_db: float
    bicubic_psnr_y_db: float
    bicubic_psnr_rgb_db: float


def evaluate_folder(generator: Generator, folder: Path, progress: Progress = silent) -> list[ImageQuality]:
    """Measure every HR image of a folder.

    A file ``*_HR.*`` is paired with the LR file of the same name with ``_LR``, beside it or in a sub-folder whose name
    starts with LR; any other image is HR, and its LR is made by bicubic downscaling.
    """
    scale = generator.config.scale
    files = [f for f in list_images(folder) if not f.stem.endswith("_LR")]
    results = []
    for done, file in enumerate(files, start=1):
        hr = crop_to_multiple(read_rgb8(file), scale)
        lr_file = _paired_lr(file)
        lr = read_rgb8(lr_file) if lr_file else downscale_bicubic(hr, scale)
        if (lr.shape[0] * scale, lr.shape[1] * scale) != hr.shape[:2]:
            raise InputError(f"{lr_file}: {lr.shape[1]}x{lr.shape[0]} is not 1/{scale} of {file.name}")
        results.append(_measure(file.name, generator_pixels(generator)(lr), upscale_bicubic(lr, scale), hr, scale))
        progress(ProgressEvent("evaluate", done, len(files), file.name))
    return results


def mean_quality(results: list[ImageQuality]) -> ImageQuality:
    """Mean over images, named "mean"."""
    fields = ("psnr_y_db", "psnr_rgb_db", "bicubic_psnr_y_db", "bicubic_psnr_rgb_db")
    return ImageQuality("mean", *(float(np.mean([getattr(r, f) for r in results])) for f in fields))


def quality_table(results: list[ImageQuality]) -> Table:
    """One row an image and one for the mean."""
    columns = ("image", "PSNR Y dB", "PSNR RGB dB", "bicubic Y dB", "bicubic RGB dB")
    rows = tuple(
        (
            r.name,
            f"{r.psnr_y_db:.2f}",
            f"{r.psnr_rgb_db:.2f}",
            f"{r.bicubic_psnr_y_db:.2f}",
            f"{r.bicubic_psnr_rgb_db:.2f}",
        )
        for r in (*results, mean_quality(results))
    )
    return Table("Quality against HR", columns, rows)


def generator_pixels(generator: Generator) -> Callable[[Pixels], Pixels]:
    """The generator as a function of uint8 pixels (h,w,3) -> (s*h,s*w,3)."""

    def upscale(lr: Pixels) -> Pixels:
        tensor = torch.from_numpy(np.array(lr.transpose(2, 0, 1))).float()[None]
        with torch.inference_mode():
            sr = generator(tensor)[0].round().to(torch.uint8)
        pixels: Pixels = sr.permute(1, 2, 0).numpy()
        return pixels

    return upscale


def _measure(name: str, sr: Pixels, bicubic: Pixels, hr: Pixels, border: int) -> ImageQuality:
    def both(pixels: Pixels) -> tuple[float, float]:
        image = crop_border(pixels.transpose(2, 0, 1).astype(np.float64), border)
        reference = crop_border(hr.transpose(2, 0, 1).astype(np.float64), border)
        return psnr(luma(image), luma(reference)), psnr(image, reference)

    return ImageQuality(name, *both(sr), *both(bicubic))


def _paired_lr(file: Path) -> Path | None:
    if not file.stem.endswith("_HR"):
        return None
    name = f"{file.stem.removesuffix('_HR')}_LR{file.suffix}"
    folders = [file.parent, *sorted(p for p in file.parent.iterdir() if p.is_dir() and p.name.startswith("LR"))]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)

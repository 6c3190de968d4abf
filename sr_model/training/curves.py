"""The picture of a run: losses, validation PSNR, and sample pictures (bicubic, SR, HR) of two validation images."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgesr.benchmarks.quality.degradations import upscale_bicubic
from edgesr.benchmarks.quality.image_pairs import ImageSet
from edgesr.benchmarks.quality.measurement import degraded_pair
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.files import write_atomically
from edgesr.sr_model.evaluation.generator_quality import generator_pixels
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.run.metrics_file import MetricsRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes


QUALITY = ("psnr_y_db", "psnr_rgb_db", "ssim")
_NO_LOSS = ("step", "seconds", "data_wait_share", "lr_pixels_per_second", "peak_share", *QUALITY)
_DPI = 110
_IMAGES = 2
_CROP = 160


class SamplePictures(NamedTuple):
    """The same crop (H,W,3), upscaled by a bicubic filter and by the generator, and as it should be."""

    name: str
    bicubic: Pixels
    sr: Pixels
    hr: Pixels


def sample_pictures(generator: Generator, images: ImageSet, degradation: str) -> list[SamplePictures]:
    """Middles of the first two images of the validation set."""
    upscale, scale = generator_pixels(generator), generator.config.scale
    pictures = []
    for pair in images.pairs[:_IMAGES]:
        hr, lr, _ = degraded_pair(pair, scale=scale, degradation=degradation, seed=0)
        three = (upscale_bicubic(lr, scale), upscale(lr), hr)
        pictures.append(SamplePictures(pair.hr.stem, *map(_middle, three)))
    return pictures


def draw_curves(path: Path, rows: list[MetricsRow], *, l1_steps: int, pictures: Sequence[SamplePictures]) -> None:
    """Draw all metrics rows and the newest sample pictures to a PNG; it appears whole or not at all."""
    from matplotlib.figure import Figure

    height = 3.2 * (1 + len(pictures))
    figure = Figure(figsize=(10, height), layout="constrained")
    grid = figure.add_gridspec(1 + len(pictures), 6)
    _draw_losses(figure.add_subplot(grid[0, :3]), rows, l1_steps)
    _draw_quality(figure.add_subplot(grid[0, 3:]), rows, l1_steps)
    for line, picture in enumerate(pictures, start=1):
        images = {"bicubic": picture.bicubic, f"step {rows[-1]['step']}": picture.sr, "HR": picture.hr}
        for column, (title, image) in enumerate(images.items()):
            axes = figure.add_subplot(grid[line, 2 * column : 2 * column + 2])
            axes.imshow(image, interpolation="nearest")
            axes.set_title(f"{picture.name}: {title}", fontsize=8)
            axes.set_axis_off()
    encoded = io.BytesIO()
    figure.savefig(encoded, format="png", dpi=_DPI)
    write_atomically(path, encoded.getvalue())


def _middle(image: Pixels) -> Pixels:
    height, width = (min(side, _CROP) for side in image.shape[:2])
    y, x = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[y : y + height, x : x + width]


def _draw_losses(axes: Axes, rows: list[MetricsRow], l1_steps: int) -> None:
    for name in dict.fromkeys(key for row in rows for key in row if key not in _NO_LOSS):
        points = [(row["step"], row[name]) for row in rows if name in row]
        axes.plot(*zip(*points, strict=True), label=name, linewidth=1, marker=".", markersize=3)
    axes.set_yscale("log")
    axes.set_title("mean losses")
    _finish(axes, rows, l1_steps)


def _draw_quality(axes: Axes, rows: list[MetricsRow], l1_steps: int) -> None:
    points = [(row["step"], row["psnr_y_db"]) for row in rows if "psnr_y_db" in row]
    if points:
        axes.plot(*zip(*points, strict=True), label="PSNR Y, dB", linewidth=1, marker=".", markersize=3)
    axes.set_title("validation")
    _finish(axes, rows, l1_steps)


def _finish(axes: Axes, rows: list[MetricsRow], l1_steps: int) -> None:
    if 0 < l1_steps < rows[-1]["step"]:
        axes.axvline(l1_steps, color="grey", linestyle=":", linewidth=1)
    axes.set_xlabel("step")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=6)
    axes.grid(alpha=0.3)

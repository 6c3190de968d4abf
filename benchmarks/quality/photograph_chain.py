"""The degradation `real`: what happens to a picture between a phone's lens and a web page, with one drawn setting.

    HR -> blur -> resize to the size of the camera's picture, between LR and HR -> noise of the camera
       -> sharpening -> JPEG of the camera -> resize to LR -> JPEG of the web -> LR

Each step ends in 8 bits, as files and camera pipelines do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgesr.benchmarks.quality.camera_noise import CameraNoise
from edgesr.benchmarks.quality.image_steps import FILTERS, blur, compress_jpeg, resize, to_pixels, unsharp
from edgesr.runtimes.arrays import Pixels


@dataclass(frozen=True, kw_only=True)
class PhotographChain:
    """One drawn chain; a step whose amount is 0 is left out.

    ``blur_x``, ``blur_y``: standard deviations of a Gaussian in HR pixels. ``factor``: the camera's picture is so many
    times as wide as LR, 1 for LR itself. ``first_filter`` makes it from HR, ``second_filter`` LR from it.
    ``shot``, ``read``, ``gain_red``, ``gain_blue``, ``correlation``: see `CameraNoise`. ``sharpen``: amount of an
    unsharp mask, ``sharpen_sigma`` its standard deviation in pixels of the camera's picture. ``camera_jpeg``,
    ``web_jpeg``: qualities.
    """

    blur_x: float = 0.0
    blur_y: float = 0.0
    factor: float = 1.0
    first_filter: str = "bicubic"
    second_filter: str = "bicubic"
    shot: float = 0.0
    read: float = 0.0
    gain_red: float = 1.0
    gain_blue: float = 1.0
    correlation: float = 0.0
    sharpen: float = 0.0
    sharpen_sigma: float = 1.0
    camera_jpeg: int = 0
    web_jpeg: int = 0

    def __post_init__(self) -> None:
        if not {self.first_filter, self.second_filter} <= set(FILTERS):
            raise ValueError(f"filters {self.first_filter} and {self.second_filter}: need two of {', '.join(FILTERS)}")
        if self.factor < 1:
            raise ValueError(f"factor is {self.factor}: the camera's picture is at least as large as LR")
        if not all(0 <= quality <= 100 for quality in (self.camera_jpeg, self.web_jpeg)):
            raise ValueError(f"qualities {self.camera_jpeg} and {self.web_jpeg}: need 1 to 100, or 0 for no JPEG")

    @property
    def text(self) -> str:
        """The steps in order, amounts with 2 digits, as ``blur:1.2x0.9+box:1.6+camera:0.0012+sharpen:0.4+jpeg:55``."""
        steps = (
            (self.blur_x or self.blur_y, f"blur:{self.blur_x:.2g}x{self.blur_y:.2g}"),
            (self.factor > 1 or self.first_filter != "bicubic", f"{self.first_filter}:{self.factor:.2g}"),
            (self.shot, f"camera:{self.shot:.2g}"),
            (self.sharpen, f"sharpen:{self.sharpen:.2g}"),
            (self.camera_jpeg, f"jpeg:{self.camera_jpeg}"),
            (self.factor > 1, self.second_filter),
            (self.web_jpeg, f"jpeg:{self.web_jpeg}"),
        )
        return "+".join(name for wanted, name in steps if wanted) or "clean"

    def apply(self, hr: Pixels, scale: int, random: np.random.Generator) -> Pixels:
        """(s*h,s*w,3) -> (h,w,3); the random numbers are those of the camera's noise."""
        height, width = (side // scale for side in hr.shape[:2])
        if self.blur_x or self.blur_y:
            hr = to_pixels(blur(hr.astype(np.float32), self.blur_x, self.blur_y))
        size = camera_side(height, self.factor), camera_side(width, self.factor)
        picture = self._taken(resize(hr, *size, self.first_filter), random)
        lr = resize(picture, height, width, self.second_filter) if size != (height, width) else picture
        return compress_jpeg(lr, self.web_jpeg) if self.web_jpeg else lr

    def _taken(self, picture: Pixels, random: np.random.Generator) -> Pixels:
        if self.shot:
            picture = self.noise.apply(picture, random)
        if self.sharpen:
            picture = unsharp(picture, self.sharpen, self.sharpen_sigma)
        return compress_jpeg(picture, self.camera_jpeg) if self.camera_jpeg else picture

    @property
    def noise(self) -> CameraNoise:
        """The camera's noise."""
        return CameraNoise(
            shot=self.shot,
            read=self.read,
            gain_red=self.gain_red,
            gain_blue=self.gain_blue,
            correlation=self.correlation,
        )


def camera_side(lr_side: int, factor: float) -> int:
    """Side of the camera's picture in pixels, for a side of LR."""
    return int(lr_side * factor + 0.5)

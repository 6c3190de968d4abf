"""The degradations that make an LR photograph of an HR one: blur, antialiased bicubic reduction, sensor noise, JPEG, in
that order.

Named by text: `clean`, `blur:2`, `noise:8`, `jpeg:30`, joined with "+" as in `noise:8+jpeg:30`; `mix` draws one at
random for every image, and `real` a chain of more steps, that of photographs from phones and the web
(`edgesr.benchmarks.quality.photograph_draws`). Noise 8 and JPEG 30 are the two tracks of the NTIRE 2020 challenge on
real-world super-resolution (arXiv 2005.01996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from edgesr.benchmarks.quality.image_steps import compress_jpeg, resize, to_pixels
from edgesr.benchmarks.quality.photograph_chain import PhotographChain
from edgesr.benchmarks.quality.photograph_draws import draw_chain
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import InputError

MIX = "mix"
REAL = "real"
NAMES = ("clean", "blur:2", "noise:8", "jpeg:30", "joined with +", MIX, REAL)
"""The names, for help texts and messages."""
MAX_MIX_BLUR = 2.0
"""Largest standard deviation of a blur of `mix`, in HR pixels."""
_EXAMPLES = ", ".join(NAMES)
_STEPS = ("blur", "noise", "jpeg")


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """``blur``: Gaussian (Pillow's, of box blurs), standard deviation in HR pixels.

    ``noise``: Gaussian, standard deviation on the 0..255 scale of LR, every value of every channel its own.
    ``jpeg``: quality 1 to 95 of a 4:2:0 compression of LR. A step that is None is left out.
    """

    blur: float | None = None
    noise: float | None = None
    jpeg: int | None = None

    @property
    def text(self) -> str:
        """The name of the degradation, as `parse_degradation` reads it; amounts have 6 digits."""
        amounts = {step: getattr(self, step) for step in _STEPS}
        return "+".join(f"{step}:{amount:g}" for step, amount in amounts.items() if amount is not None) or "clean"

    def reduce(self, hr: Pixels, scale: int) -> Pixels:
        """(s*h,s*w,3) -> (h,w,3): blur and bicubic reduction."""
        if self.blur:
            hr = np.asarray(Image.fromarray(hr).filter(ImageFilter.GaussianBlur(self.blur)))
        return downscale_bicubic(hr, scale)

    def spoil(self, lr: Pixels, random: np.random.Generator) -> Pixels:
        """(h,w,3) -> same: noise and compression of an image that is LR already."""
        if self.noise:
            lr = to_pixels(lr + random.normal(0.0, self.noise, lr.shape).astype(np.float32))
        return lr if self.jpeg is None else compress_jpeg(lr, self.jpeg)

    def apply(self, hr: Pixels, scale: int, random: np.random.Generator) -> Pixels:
        """(s*h,s*w,3) -> (h,w,3): all steps."""
        return self.spoil(self.reduce(hr, scale), random)


def parse_degradation(text: str) -> Degradation | None:
    """The degradation that a text names; None for `mix` and `real`, which `degradation_of_image` draws."""
    if text in (MIX, REAL):
        return None
    amounts: dict[str, float] = {}
    for part in () if text == "clean" else text.split("+"):
        name, _, amount = part.partition(":")
        if name not in _STEPS or name in amounts:
            raise InputError(f"degradation {text!r}: give {_EXAMPLES}")
        amounts[name] = _amount(name, amount, text)
    jpeg = amounts.get("jpeg")
    return Degradation(blur=amounts.get("blur"), noise=amounts.get("noise"), jpeg=None if jpeg is None else int(jpeg))


def draw_degradation(random: np.random.Generator) -> Degradation:
    """One of the random mix.

    Blur of 0.3 to 2 HR pixels on 15% of the images; noise of 1 to 12 alone on 30%, JPEG alone on 45%, both on 15%,
    neither on 10%. JPEG quality goes from 20 to 70, half of it below 33.
    """
    blur = float(random.uniform(0.3, MAX_MIX_BLUR)) if random.random() < 0.15 else None
    kind = random.random()
    noise = float(random.uniform(1.0, 12.0)) if kind < 0.3 or 0.75 <= kind < 0.9 else None
    jpeg = int(20 + 50 * random.random() ** 2) if 0.3 <= kind < 0.9 else None
    return Degradation(blur=blur, noise=noise, jpeg=jpeg)


def degradation_of_image(text: str, random: np.random.Generator, scale: int) -> Degradation | PhotographChain:
    """The degradation that a text names; of `mix` and `real`, one that is drawn."""
    if text == REAL:
        return draw_chain(random, scale)
    return parse_degradation(text) or draw_degradation(random)


def crop_to_multiple(image: Pixels, scale: int) -> Pixels:
    """(H,W,3) -> the top left part whose sides are multiples of ``scale``."""
    return image[: image.shape[0] // scale * scale, : image.shape[1] // scale * scale]


def downscale_bicubic(image: Pixels, scale: int) -> Pixels:
    """(s*h,s*w,3) uint8 -> (h,w,3) uint8, antialiased bicubic with a = -0.5, as MATLAB's imresize."""
    return resize(image, image.shape[0] // scale, image.shape[1] // scale, "bicubic")


def upscale_bicubic(image: Pixels, scale: int) -> Pixels:
    """(h,w,3) uint8 -> (s*h,s*w,3) uint8, the usual baseline of super-resolution."""
    return resize(image, image.shape[0] * scale, image.shape[1] * scale, "bicubic")


def _amount(name: str, amount: str, text: str) -> float:
    try:
        value = int(amount) if name == "jpeg" else float(amount)
    except ValueError:
        raise InputError(f"degradation {text!r}: {amount!r} is no amount of {name}; give {_EXAMPLES}") from None
    low, high = (1, 95) if name == "jpeg" else (0, 100)
    if not low <= value <= high:
        raise InputError(f"degradation {text!r}: {name} goes from {low} to {high}")
    return value

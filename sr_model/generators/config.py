"""Architectures of generators as frozen dataclasses that validate themselves, and presets. Imports no torch.

Presets: `srrescycgan` is the published network. `srrescycgan-mobile` is the same idea with its body at LR size and no
projection: an image that is more than half flat (a scan, a clipped sky) has noise level 0, which would leave it
bilinear. Its width, depth and activation were chosen by this table (tile graph of 128x128, 1 thread, one interleaved
run on an AVX2 machine; PSNR Y of Set5 after 1,200 steps of L1 training with the same patches):

    channels x blocks, activation   ORT ms   LiteRT ms   Set5 dB   MAC per HR pixel   halo
    32 x 6, LeakyReLU                 50.2        50.0     30.35              7,926     15    chosen
    32 x 6, ReLU                      47.6        49.8     30.24              7,926     15
    32 x 6, PReLU                     66.8        51.4                        7,926     15
    40 x 4, LeakyReLU                 57.3        59.7     30.30              8,468     11
    40 x 4, PReLU                     70.7        60.6     30.32              8,468     11
    48 x 3, LeakyReLU                 58.8        57.5                        9,297      9
    24 x 8, LeakyReLU                 38.6        48.5                        5,945     19
    32 x 4, LeakyReLU                 35.3        36.3                        5,622     11

PReLU costs ONNX Runtime a third more and gains nothing measurable; depth gains more than width at the same cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.bundle.manifest import LARGEST_ALPHA
from edgesr.runtimes.errors import InputError

BodyKind = Literal["hr", "lr", "plain"]
Activation = Literal["prelu", "leaky_relu", "relu"]
Padding = Literal["reflect", "zero"]


def require_choice(field: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise an InputError for a setting that is none of those allowed."""
    if value not in allowed:
        raise InputError(f"{field} is {value!r}: choose one of {', '.join(allowed)}")


def require_range(field: str, value: object, low: int, high: int) -> None:
    """Raise an InputError for a setting that is no whole number from ``low`` to ``high``."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"{field} is {value!r}: need a whole number from {low} to {high}")


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Architecture of a generator: LR (N,3,h,w) in [0,255] -> SR (N,3,s*h,s*w) in [0,255].

    ``body`` is "hr" when the convolutions run on the bilinear upsampled image (the published network), "lr" when they
    run on the LR image in residual blocks and end in a pixel shuffle, and "plain" when they do so in a chain of 3x3
    convolutions, ``blocks`` of them between head and tail. ``projection`` bounds the residual by the image's
    noise level (published network); without it the residual is subtracted as it is.
    """

    name: str
    scale: int = 4
    body: BodyKind
    width: int
    blocks: int
    activation: Activation
    padding: Padding
    projection: bool = True
    initial_alpha: float = 0.6931471805599453

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= 100 or not self.name.isprintable():
            raise InputError(f"name is {self.name[:100]!r}: need 1 to 100 printable characters")
        require_choice("body", self.body, get_args(BodyKind))
        require_choice("activation", self.activation, get_args(Activation))
        require_choice("padding", self.padding, get_args(Padding))
        require_range("scale", self.scale, 2, 8)
        require_range("width", self.width, 1, 1024)
        require_range("blocks", self.blocks, 1, 64)
        if not abs(self.initial_alpha) <= LARGEST_ALPHA:
            raise InputError(f"initial_alpha is {self.initial_alpha}: need -{LARGEST_ALPHA:g} to {LARGEST_ALPHA:g}")

    @property
    def colour(self) -> Colour:
        """The colour of its images: RGB."""
        return "rgb"

    @property
    def multiple(self) -> int:
        """It takes all sides from the least one on."""
        return 1

    @property
    def minimum_side(self) -> int:
        """Least LR side: reflect pads (noise level 7 HR pixels, head 2 or 1) mirror fewer pixels than there are."""
        noise_level = math.ceil(8 / self.scale) if self.projection else 1
        if self.padding == "zero":
            return noise_level
        return max(noise_level, {"hr": math.ceil(3 / self.scale), "lr": 3, "plain": 2}[self.body])


def _plain(name: str, *, width: int, blocks: int) -> GeneratorConfig:
    """A member of the family of plain convolutions."""
    return GeneratorConfig(
        name=name, body="plain", width=width, blocks=blocks, activation="relu", padding="zero", projection=False
    )


PRESETS: dict[str, GeneratorConfig] = {
    "srrescycgan": GeneratorConfig(
        name="srrescycgan", body="hr", width=64, blocks=5, activation="prelu", padding="reflect"
    ),
    "srrescycgan-mobile": GeneratorConfig(
        name="srrescycgan-mobile",
        body="lr",
        width=32,
        blocks=6,
        activation="leaky_relu",
        padding="zero",
        projection=False,
    ),
    "mobile-s": _plain("mobile-s", width=16, blocks=5),
    "mobile-m": _plain("mobile-m", width=32, blocks=6),
    "mobile-l": _plain("mobile-l", width=48, blocks=5),
}


def preset(name: str) -> GeneratorConfig:
    """The preset of that name; an unknown name is an InputError that lists the known ones."""
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}: choose one of {', '.join(sorted(PRESETS))}")
    return PRESETS[name]

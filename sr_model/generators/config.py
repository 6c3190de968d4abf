"""Generator and training settings as frozen dataclasses that validate themselves. Imports no torch.

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
from dataclasses import dataclass, fields
from typing import Literal, get_args

from edgesr.benchmarks.quality.degradations import parse_degradation
from edgesr.runtimes.bundle.manifest import LARGEST_ALPHA
from edgesr.runtimes.errors import InputError

BodySize = Literal["hr", "lr"]
Activation = Literal["prelu", "leaky_relu", "relu"]
Padding = Literal["reflect", "zero"]

DISCRIMINATOR_REDUCTION = 32


def _require_choice(field: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{field} is {value!r}: choose one of {', '.join(allowed)}")


def _require_range(field: str, value: object, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"{field} is {value!r}: need a whole number from {low} to {high}")


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Architecture of a generator: LR (N,3,h,w) in [0,255] -> SR (N,3,s*h,s*w) in [0,255].

    ``body`` is "hr" when the convolutions run on the bilinear upsampled image (the published network)
    and "lr" when they run on the LR image and end in a pixel shuffle. ``projection`` bounds the residual by the image's
    noise level (published network); without it the residual is subtracted as it is.
    """

    name: str
    scale: int = 4
    body: BodySize
    width: int
    blocks: int
    activation: Activation
    padding: Padding
    projection: bool = True
    initial_alpha: float = 0.6931471805599453

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= 100 or not self.name.isprintable():
            raise InputError(f"name is {self.name[:100]!r}: need 1 to 100 printable characters")
        _require_choice("body", self.body, get_args(BodySize))
        _require_choice("activation", self.activation, get_args(Activation))
        _require_choice("padding", self.padding, get_args(Padding))
        _require_range("scale", self.scale, 2, 8)
        _require_range("width", self.width, 1, 1024)
        _require_range("blocks", self.blocks, 1, 64)
        if not abs(self.initial_alpha) <= LARGEST_ALPHA:
            raise InputError(f"initial_alpha is {self.initial_alpha}: need -{LARGEST_ALPHA:g} to {LARGEST_ALPHA:g}")

    @property
    def minimum_side(self) -> int:
        """Least LR side: reflect pads (noise level 7 HR pixels, head 2) mirror fewer pixels than there are."""
        noise_level = math.ceil(8 / self.scale) if self.projection else 1
        if self.padding == "zero":
            return noise_level
        return max(noise_level, 3 if self.body == "lr" else math.ceil(3 / self.scale))


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the generators' loss in the GAN phase, all terms on the 0..1 scale of intensities."""

    perceptual: float = 1.0
    adversarial: float = 1.0
    total_variation: float = 1.0
    l1: float = 10.0
    cycle: float = 10.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise InputError(f"loss weight {field.name} is {value!r}: need a number of at least 0")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of a training run: ``steps`` updates of L1, then ``gan_steps`` updates of the cyclic GAN.

    An update sees ``batch_size`` LR patches of ``patch_size``, over all processes. The learning rate of the L1 phase
    is a cosine from ``learning_rate`` to ``final_learning_rate``; that of the GAN phase starts at
    ``gan_learning_rate`` and is halved at each of ``gan_milestones`` (updates of that phase; arXiv 2009.03693).
    ``perceptual_block`` is the VGG block (1 to 5) whose last convolution gives the perceptual features. Written
    generators are exponential moving averages over about 1/(1 - ``ema_decay``) updates. ``luma_weight`` is the share of
    luma in the loss of the L1 phase. Beside the photographs, copies reduced by each of ``reductions`` are trained on.
    """

    preset: str
    degradation: str = "clean"
    steps: int = 16_000
    gan_steps: int = 0
    batch_size: int = 16
    patch_size: int = 32
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-6
    gan_learning_rate: float = 1e-4
    gan_milestones: tuple[int, ...] = (5_000, 10_000, 20_000, 30_000, 51_000)
    loss_weights: LossWeights = LossWeights()
    perceptual_block: int = 5
    ema_decay: float = 0.999
    luma_weight: float = 0.0
    reductions: tuple[float, ...] = ()
    seed: int = 0
    validate_every: int = 1_000

    def __post_init__(self) -> None:
        parse_degradation(self.degradation)
        _require_range("steps", self.steps, 0, 10_000_000)
        _require_range("gan_steps", self.gan_steps, 0, 10_000_000)
        _require_range("batch_size", self.batch_size, 1, 4096)
        _require_range("patch_size", self.patch_size, 8, 1024)
        _require_range("seed", self.seed, 0, 2**32 - 1)
        _require_range("perceptual_block", self.perceptual_block, 1, 5)
        _require_range("validate_every", self.validate_every, 1, 10_000_000)
        if self.total_steps == 0:
            raise InputError("steps and gan_steps are both 0: nothing to train")
        if not 0 < self.final_learning_rate <= self.learning_rate or not self.gan_learning_rate > 0:
            raise InputError(
                f"learning_rate {self.learning_rate}, final_learning_rate {self.final_learning_rate} and "
                f"gan_learning_rate {self.gan_learning_rate}: need all above 0, final_learning_rate not above the first"
            )
        if not 0 <= self.ema_decay < 1:
            raise InputError(f"ema_decay is {self.ema_decay}: need at least 0 and below 1")
        if not 0 <= self.luma_weight <= 1:
            raise InputError(f"luma_weight is {self.luma_weight}: need 0 to 1")
        if not all(0 < reduction < 1 for reduction in self.reductions):
            raise InputError(f"reductions are {self.reductions}: need factors above 0 and below 1")
        hr_patch = self.patch_size * preset(self.preset).scale
        if self.gan_steps and hr_patch % DISCRIMINATOR_REDUCTION:
            raise InputError(
                f"patch_size {self.patch_size} gives HR patches of {hr_patch}: the GAN phase needs a multiple of "
                f"{DISCRIMINATOR_REDUCTION}"
            )

    def require_statistics(self, share: int) -> None:
        """Refuse a share of the batch so small that the HR discriminator's last batch norm sees one value a channel."""
        if self.gan_steps and share * (self.patch_size * preset(self.preset).scale // DISCRIMINATOR_REDUCTION) ** 2 < 2:
            raise InputError(
                f"{share} patch of {self.patch_size} a process: too little for the batch norm of the GAN phase; "
                "give a larger batch_size or patch_size"
            )

    @property
    def total_steps(self) -> int:
        """Updates of both phases."""
        return self.steps + self.gan_steps


def loss_weights_text(weights: LossWeights) -> str:
    """Loss weights as `parse_loss_weights` reads them."""
    return ",".join(f"{field.name}={getattr(weights, field.name):g}" for field in fields(weights))


def parse_loss_weights(text: str) -> LossWeights:
    """Loss weights from text such as "l1=10,cycle=5"; those that are not named keep their defaults."""
    known = [f.name for f in fields(LossWeights)]
    values: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, amount = part.partition("=")
        try:
            values[name.strip()] = float(amount)
        except ValueError:
            raise InputError(
                f"loss weights {text!r}: {amount!r} is no number; give for example l1=10,cycle=5"
            ) from None
        if name.strip() not in known:
            raise InputError(f"loss weights {text!r}: unknown {name.strip()!r}, choose from {', '.join(known)}")
    return LossWeights(**values)


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
}


def preset(name: str) -> GeneratorConfig:
    """The preset of that name; an unknown name is an InputError that lists the known ones."""
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}: choose one of {', '.join(sorted(PRESETS))}")
    return PRESETS[name]

"""Settings of a training run as frozen dataclasses that validate themselves. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from edgesr.benchmarks.quality.degradations import parse_degradation
from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.config import preset, require_choice, require_range

DISCRIMINATOR_REDUCTION = 32
_LARGEST_STEPS = 10_000_000
_LONGEST_MINUTES = 100_000

PRECISIONS = ("fp32", "bf16")


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
    ``teacher_share`` is the share of the teachers' pictures in what SR is compared with, where teachers are given.

    With ``minutes`` a run of one phase (``steps`` or ``gan_steps`` is 0) lasts so long, however many updates that are,
    and its learning rate follows the time: the weights then depend on the machine. ``precision`` "bf16" computes
    the forward and backward pass in bfloat16 where that is safe (autocast), with parameters and moments in float32.
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
    teacher_share: float = 0.7
    seed: int = 0
    validate_every: int = 1_000
    minutes: float | None = None
    precision: str = "fp32"

    def __post_init__(self) -> None:
        parse_degradation(self.degradation)
        require_range("steps", self.steps, 0, _LARGEST_STEPS)
        require_range("gan_steps", self.gan_steps, 0, _LARGEST_STEPS)
        require_range("batch_size", self.batch_size, 1, 4096)
        require_range("patch_size", self.patch_size, 8, 1024)
        require_range("seed", self.seed, 0, 2**32 - 1)
        require_range("perceptual_block", self.perceptual_block, 1, 5)
        require_range("validate_every", self.validate_every, 1, 10_000_000)
        if self.steps + self.gan_steps == 0:
            raise InputError("steps and gan_steps are both 0: nothing to train")
        require_choice("precision", self.precision, PRECISIONS)
        self._require_minutes()
        if not 0 < self.final_learning_rate <= self.learning_rate or not self.gan_learning_rate > 0:
            raise InputError(
                f"learning_rate {self.learning_rate}, final_learning_rate {self.final_learning_rate} and "
                f"gan_learning_rate {self.gan_learning_rate}: need all above 0, final_learning_rate not above the first"
            )
        if not 0 <= self.ema_decay < 1:
            raise InputError(f"ema_decay is {self.ema_decay}: need at least 0 and below 1")
        if not 0 <= self.luma_weight <= 1:
            raise InputError(f"luma_weight is {self.luma_weight}: need 0 to 1")
        if not 0 < self.teacher_share <= 1:
            raise InputError(f"teacher_share is {self.teacher_share}: need a number above 0, at most 1")
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

    def _require_minutes(self) -> None:
        if self.minutes is None:
            return
        if not isinstance(self.minutes, int | float) or not 0 < self.minutes <= _LONGEST_MINUTES:
            raise InputError(f"minutes is {self.minutes!r}: need a number above 0, at most {_LONGEST_MINUTES}")
        if self.steps and self.gan_steps:
            raise InputError(
                f"minutes is {self.minutes:g} with steps {self.steps} and gan_steps {self.gan_steps}: a run that goes "
                "by the clock has one phase; set steps or gan_steps to 0"
            )

    @property
    def l1_limit(self) -> int:
        """The most updates of the L1 phase."""
        return _LARGEST_STEPS if self.steps and self.minutes is not None else self.steps

    @property
    def total_limit(self) -> int:
        """The most updates of the run."""
        return self.steps + self.gan_steps if self.minutes is None else _LARGEST_STEPS


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

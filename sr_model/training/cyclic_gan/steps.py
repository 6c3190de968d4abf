"""The loss that one update minimises, as modules, so that DistributedDataParallel can average their gradients.

Images are (N,3,H,W) in [0,255]; losses are scalars on the 0..1 scale.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.config import LossWeights
from edgesr.sr_model.training.cyclic_gan.degrader import Degrader
from edgesr.sr_model.training.cyclic_gan.discriminators import HRDiscriminator, LRDiscriminator
from edgesr.sr_model.training.cyclic_gan.losses import MeanOverProcesses, gradient_l1, high_pass, relativistic_loss
from edgesr.sr_model.training.cyclic_gan.vgg import VGGFeatures

Losses = dict[str, Tensor]
BT601_LUMA = (0.299, 0.587, 0.114)


class L1Step(nn.Module):
    """L1 between SR and HR on RGB; ``luma_weight`` is the share of the same on luma in the total."""

    luma: Tensor

    def __init__(self, generator: Generator, luma_weight: float) -> None:
        super().__init__()
        self.generator = generator
        self._luma_weight = luma_weight
        self.register_buffer("luma", torch.tensor(BT601_LUMA).view(1, 3, 1, 1), persistent=False)

    def forward(self, lr: Tensor, hr: Tensor) -> Losses:
        error = (self.generator(lr) - hr) / 255.0
        rgb = error.abs().mean()
        luma = (error * self.luma).sum(dim=1).abs().mean()
        return {"total": (1 - self._luma_weight) * rgb + self._luma_weight * luma, "l1": rgb}


class GeneratorStep(nn.Module):
    """Loss of G_SR and G_LR; also gives the SR and LR that they made, for the discriminators.

    SRResCycGAN (arXiv 2009.03693): perceptual + adversarial + total variation + 10 L1 + 10 cycle. Choices of ours,
    where the paper leaves one: D_y judges high-passed images, D_x whole LR images; G_LR has no loss but its adversarial
    and the cycle's; the cycle's LR images are those without HR where a folder of them is given, else the paired ones.
    """

    def __init__(
        self,
        generator: Generator,
        degrader: Degrader,
        *,
        discriminators: tuple[LRDiscriminator, HRDiscriminator],
        features: VGGFeatures | None,
        weights: LossWeights,
        mean: MeanOverProcesses,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.degrader = degrader
        self._fixed = (*discriminators, features)  # a tuple, so that this module does not own their parameters
        self._weights = weights
        self._mean = mean

    def forward(self, lr: Tensor, hr: Tensor, unpaired_lr: Tensor | None) -> tuple[Losses, Tensor, Tensor]:
        lr_discriminator, hr_discriminator, features = self._fixed
        sr, degraded = self.generator(lr), self.degrader(hr)
        real_lr = lr if unpaired_lr is None else unpaired_lr
        real_sr = sr if unpaired_lr is None else self.generator(unpaired_lr)
        x, y = sr / 255.0, hr / 255.0
        losses = {
            "l1": F.l1_loss(x, y),
            "total_variation": gradient_l1(x, y),
            "adversarial": relativistic_loss(
                hr_discriminator(high_pass(x)), hr_discriminator(high_pass(y)), self._mean
            ),
            "adversarial_lr": relativistic_loss(
                lr_discriminator(degraded / 255.0), lr_discriminator(real_lr / 255.0), self._mean
            ),
            "cycle_lr": F.l1_loss(self.degrader(real_sr), real_lr) / 255.0,
            "cycle_hr": F.l1_loss(self.generator(degraded), hr) / 255.0,
        }
        if features is not None:
            losses["perceptual"] = features.loss(x, y)
        return {"total": self._weighted(losses), **losses}, sr.detach(), degraded.detach()

    def _weighted(self, losses: Losses) -> Tensor:
        w = self._weights
        total = w.l1 * losses["l1"] + w.total_variation * losses["total_variation"]
        total = total + w.adversarial * (losses["adversarial"] + losses["adversarial_lr"])
        total = total + w.cycle * (losses["cycle_lr"] + losses["cycle_hr"])
        return total + w.perceptual * losses["perceptual"] if "perceptual" in losses else total


class DiscriminatorStep(nn.Module):
    """Relativistic losses of D_x and D_y."""

    def __init__(
        self, lr_discriminator: LRDiscriminator, hr_discriminator: HRDiscriminator, mean: MeanOverProcesses
    ) -> None:
        super().__init__()
        self.lr_discriminator = lr_discriminator
        self.hr_discriminator = hr_discriminator
        self._mean = mean

    def forward(self, real_lr: Tensor, fake_lr: Tensor, real_hr: Tensor, fake_hr: Tensor) -> Losses:
        lr = relativistic_loss(
            self.lr_discriminator(real_lr / 255.0), self.lr_discriminator(fake_lr / 255.0), self._mean
        )
        real, fake = (self.hr_discriminator(high_pass(image / 255.0)) for image in (real_hr, fake_hr))
        hr = relativistic_loss(real, fake, self._mean)
        return {"total": lr + hr, "discriminator_lr": lr, "discriminator_hr": hr}

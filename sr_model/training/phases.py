"""The two phases of a run: L1 alone, then the cyclic GAN. Each makes the function that does one update."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from edgesr.runtimes.errors import EdgesrError
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.cyclic_gan.steps import DiscriminatorStep, GeneratorStep, L1Step, Losses
from edgesr.sr_model.training.cyclic_gan.vgg import VGGFeatures
from edgesr.sr_model.training.data import Sample
from edgesr.sr_model.training.processes import Processes
from edgesr.sr_model.training.run.state import TrainState

Update = Callable[[Sample], dict[str, float]]


def l1_learning_rate(config: TrainConfig, step: int) -> float:
    """Cosine from ``learning_rate`` at step 0 to ``final_learning_rate`` at the last (Loshchilov and Hutter, SGDR)."""
    fraction = 0.5 * (1 + math.cos(math.pi * step / config.steps))
    return config.final_learning_rate + (config.learning_rate - config.final_learning_rate) * fraction


def gan_learning_rate(config: TrainConfig, step: int) -> float:
    """``gan_learning_rate`` halved at every milestone that ``step`` (updates of this phase) has reached."""
    return float(config.gan_learning_rate * 0.5 ** sum(step >= milestone for milestone in config.gan_milestones))


def l1_update(state: TrainState, processes: Processes) -> Update:
    """Updates of the L1 phase: batch -> L1 on RGB, on the 0..1 scale."""
    step = processes.parallel(L1Step(state.generator, state.config.luma_weight).to(state.device))

    def update(batch: Sample) -> dict[str, float]:
        losses = step(batch.lr, batch.hr)
        _descend(state, state.optimizer, losses, l1_learning_rate(state.config, state.step))
        _finish(state)
        return {"l1": losses["l1"].item()}

    return update


def gan_update(state: TrainState, processes: Processes, features: VGGFeatures | None, *, unpaired: bool) -> Update:
    """Updates of the GAN phase, generators first, then discriminators: batch -> all losses by name."""
    adversary = state.begin_gan_phase()
    judging = (adversary.lr_discriminator, adversary.hr_discriminator)
    generators = processes.parallel(
        GeneratorStep(
            state.generator,
            adversary.degrader,
            discriminators=judging,
            features=features,
            weights=state.config.loss_weights,
            mean=processes.mean,
        )
    )
    discriminators = processes.parallel(DiscriminatorStep(*judging, processes.mean))

    def update(batch: Sample) -> dict[str, float]:
        learning_rate = gan_learning_rate(state.config, state.step - state.config.steps)
        for network in judging:
            network.requires_grad_(False)
        losses, sr, degraded = generators(batch.lr, batch.hr, batch.unpaired_lr if unpaired else None)
        _descend(state, adversary.generators_optimizer, losses, learning_rate)
        for network in judging:
            network.requires_grad_(True)
        judged = discriminators(batch.unpaired_lr, degraded, batch.hr, sr)
        _descend(state, adversary.discriminators_optimizer, judged, learning_rate)
        _finish(state)
        return _values({**judged, **losses})

    return update


def _descend(state: TrainState, optimizer: torch.optim.Optimizer, losses: Losses, learning_rate: float) -> None:
    broken = [name for name, loss in losses.items() if not loss.isfinite()]
    if broken:
        raise EdgesrError(
            f"step {state.step}: the loss {', '.join(broken)} is not finite; the last checkpoint is kept, "
            "start from it in a new folder (--checkpoint) with a lower learning rate"
        )
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad(set_to_none=True)
    losses["total"].backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _finish(state: TrainState) -> None:
    state.average.update_parameters(state.generator)
    state.step += 1


def _values(losses: dict[str, Tensor]) -> dict[str, float]:
    return {name: loss.item() for name, loss in losses.items()}

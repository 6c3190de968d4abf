"""The two phases of a run: L1 alone, then the cyclic GAN. Each makes the function that does one update."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from edgesr.sr_model.training.cuda_graph import record_once
from edgesr.sr_model.training.cyclic_gan.steps import DiscriminatorStep, GeneratorStep, L1Step, Losses
from edgesr.sr_model.training.cyclic_gan.vgg import VGGFeatures
from edgesr.sr_model.training.patches.batches import Batch
from edgesr.sr_model.training.processes import Processes
from edgesr.sr_model.training.run.state import TrainState
from edgesr.sr_model.training.schedule import gan_learning_rate, l1_learning_rate

Update = Callable[[Batch, float], Losses]
"""An update on a batch, at a share of its phase: gives the losses by name, on the device."""


def l1_update(state: TrainState, processes: Processes, *, recorded: bool = True) -> Update:
    """Updates of the L1 phase: L1 on RGB, on the 0..1 scale. On CUDA in one process they may replay a recorded one."""
    step = processes.parallel(L1Step(state.generator, state.config.luma_weight).to(state.device))

    def compute(lr: Tensor, hr: Tensor) -> Losses:
        with _autocast(state):
            losses: Losses = step(lr, hr)
        _descend(state.optimizer, losses["total"])
        return {"l1": losses["l1"].detach()}

    replayed = recorded and state.device.type == "cuda" and processes.count == 1
    computed = record_once(compute, state.optimizer) if replayed else compute

    def update(batch: Batch, share: float) -> Losses:
        _set_rate(state.optimizer, l1_learning_rate(state.config, share))
        losses = computed(batch.lr, batch.hr)
        state.finish_update()
        return losses

    return update


def gan_update(state: TrainState, processes: Processes, features: VGGFeatures | None, *, unpaired: bool) -> Update:
    """Updates of the GAN phase, generators first, then discriminators: all losses by name."""
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

    def update(batch: Batch, share: float) -> Losses:
        rate = gan_learning_rate(state.config, share)
        for network in judging:
            network.requires_grad_(False)
        with _autocast(state):
            losses, sr, degraded = generators(batch.lr, batch.hr, batch.unpaired_lr if unpaired else None)
        _set_rate(adversary.generators_optimizer, rate)
        _descend(adversary.generators_optimizer, losses["total"])
        for network in judging:
            network.requires_grad_(True)
        with _autocast(state):
            judged = discriminators(batch.unpaired_lr, degraded, batch.hr, sr)
        _set_rate(adversary.discriminators_optimizer, rate)
        _descend(adversary.discriminators_optimizer, judged["total"])
        state.finish_update()
        return {name: loss.detach() for name, loss in {**judged, **losses}.items()}

    return update


def _autocast(state: TrainState) -> AbstractContextManager[object]:
    """Parameters change at every update, so that no cast of them is worth keeping."""
    enabled = state.config.precision == "bf16"
    return torch.autocast(state.device.type, torch.bfloat16, enabled=enabled, cache_enabled=False)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)  # a recorded update reads it where it is
        else:
            group["lr"] = rate


def _descend(optimizer: torch.optim.Optimizer, total: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    optimizer.step()

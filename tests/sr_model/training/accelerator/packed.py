"""A small plan that is packed and run on the CPU."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch

from edgesr.runtimes.progress import ProgressEvent
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.cyclic_gan.vgg_trunk import VGGTrunk, save_trunk
from edgesr.sr_model.training.prepared.pack import pack_training
from edgesr.sr_model.training.prepared.plan import Plan, PlannedRun
from edgesr.sr_model.training.prepared.runner import run_part
from edgesr.sr_model.training.run.inputs import TrainInputs

SMALL: dict[str, Any] = {"preset": "mobile-s", "batch_size": 2, "patch_size": 8, "minutes": 0.5}
PLAN = Plan(
    check_minutes=0.1,
    runs=(
        PlannedRun("first", TrainConfig(**SMALL)),
        PlannedRun("second", TrainConfig(**SMALL, degradation="real", precision="bf16"), start="first"),
        PlannedRun("third", TrainConfig(**SMALL, steps=0, gan_steps=1, perceptual_block=1), start="second"),
    ),
)
SHARE = 0.01


def packed(inputs: TrainInputs, folder: Path, plan: Plan = PLAN) -> Path:
    trunk = VGGTrunk(
        ([(torch.randn(64, 3, 3, 3), torch.zeros(64)), (torch.randn(64, 64, 3, 3), torch.zeros(64))],), True
    )
    save_trunk(folder.with_suffix(".vgg"), trunk, 1)
    inputs = dataclasses.replace(inputs, perceptual_weights=folder.with_suffix(".vgg"))
    return pack_training(inputs, folder, plan=plan).folder


def part(folder: Path, work: Path, *, minutes: float = 100.0, seen: list[str] | None = None) -> bool:
    def note(event: ProgressEvent) -> None:
        if event.is_notice and seen is not None:
            seen.append(event.note)

    results = work.with_suffix(".tar")
    return run_part(folder, work, results, minutes=minutes, share=SHARE, device="cpu", progress=note)

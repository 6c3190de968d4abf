"""The speed of the L1 phase: LR pixels a second, and the share of what the device can multiply."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch

from edgesr.sr_model.generators.cost import count_mac_per_hr_pixel
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.config import TrainConfig

_TRAINING_PASSES = 3
"""A convolution's backward pass multiplies twice as much as its forward pass: for its inputs and for its weights."""
_FLOP_PER_MAC = 2
_MATRIX_SIDE = {"cpu": 1024, "cuda": 8192}
_REPETITIONS = 5


class Throughput:
    """The speed of a run between two saves: of its updates alone, without validation."""

    def __init__(self, generator: Generator, config: TrainConfig, device: torch.device) -> None:
        """``generator`` in the form that is exported: multiplied is what it multiplies, whatever is trained."""
        mac = count_mac_per_hr_pixel(generator) * generator.config.scale**2
        self._flop_per_lr_pixel = mac * _FLOP_PER_MAC * _TRAINING_PASSES
        self._lr_pixels_per_update = config.batch_size * config.patch_size**2
        self._peak = measured_peak(config, device)
        self._device = device

    def figures(self, updates: int, seconds: float) -> dict[str, float]:
        """LR pixels a second of the whole batch, and its share of what this process's device can multiply."""
        rate = updates * self._lr_pixels_per_update / seconds
        return {
            "lr_pixels_per_second": round(rate),
            "peak_share": round(rate * self._flop_per_lr_pixel / self._peak, 4),
        }


def speed_text(figures: Mapping[str, float]) -> str:
    """Such figures in words; empty where a phase has none."""
    if "lr_pixels_per_second" not in figures:
        return ""
    rate, share = figures["lr_pixels_per_second"], figures["peak_share"]
    return f"{rate:,.0f} LR pixels a second, {share:.0%} of the measured peak"


def measured_peak(config: TrainConfig, device: torch.device) -> float:
    """Floating-point operations a second of a product of two large matrices, in the precision of the run."""
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    side = _MATRIX_SIDE[device.type]
    matrix = torch.ones(side, side, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(_REPETITIONS):
        started = _now(device)
        torch.mm(matrix, matrix)
        best = min(best, _now(device) - started)
    return 2 * side**3 / best


def _now(device: torch.device) -> float:
    """The time when all that was asked of a device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()

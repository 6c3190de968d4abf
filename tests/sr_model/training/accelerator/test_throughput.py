"""LR pixels a second, and the share of the device's peak."""

from __future__ import annotations

import pytest
import torch

from edgesr.runtimes.errors import EdgesrError
from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.loss_log import LossLog
from edgesr.sr_model.training.throughput import Throughput, measured_peak

CPU = torch.device("cpu")


def test_figures_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """mobile-s has 18,864 weights in convolutions at LR size: as many multiply-accumulates an LR pixel."""
    monkeypatch.setattr("edgesr.sr_model.training.throughput.measured_peak", lambda *_: 1e9)
    config = TrainConfig(preset="mobile-s", batch_size=4, patch_size=10)
    mac = 9 * (3 * 16 + 5 * 16 * 16 + 16 * 48)
    figures = Throughput(Generator(preset("mobile-s")), config, CPU).figures(updates=50, seconds=8.0)
    assert figures == {"lr_pixels_per_second": 2500, "peak_share": pytest.approx(2500 * mac * 6 / 1e9, abs=1e-4)}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_peak_is_what_a_cpu_can_have(precision: str) -> None:
    assert 1e8 < measured_peak(TrainConfig(preset="mobile-s", precision=precision), CPU) < 1e14


def losses(value: float) -> dict[str, torch.Tensor]:
    return {"l1": torch.tensor(value), "adversarial": torch.tensor(2 * value)}


def test_losses_are_read_now_and_then_and_their_means_are_of_all() -> None:
    log = LossLog(3)
    assert log.text() == ""
    for step, value in enumerate((1.0, 2.0)):
        log.add(step, losses(value))
    assert log.text() == "", "nothing is read before the third"
    log.add(2, losses(6.0))
    assert log.text() == "l1 6.0000, adversarial 12.0000"
    log.add(3, losses(7.0))
    assert log.means() == {"l1": 4.0, "adversarial": 8.0}
    log.add(4, losses(1.5))
    assert log.means() == {"l1": 1.5, "adversarial": 3.0}


@pytest.mark.parametrize("interval", [1, 2])
def test_loss_that_is_not_finite_is_named_with_its_step(interval: int) -> None:
    log = LossLog(interval)
    with pytest.raises(EdgesrError, match="step 7: the loss l1, adversarial is not finite"):
        for step in (7, 8):
            log.add(step, losses(float("nan") if step == 7 else 1.0))


def test_loss_that_was_not_read_yet_is_found_before_saving() -> None:
    log = LossLog(20)
    log.add(7, {"l1": torch.tensor(float("inf"))})
    with pytest.raises(EdgesrError, match="step 7"):
        log.means()

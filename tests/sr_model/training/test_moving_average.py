"""The moving average of parameters, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgesr.sr_model.training.moving_average import MovingAverage


def test_average_of_hand_computed_updates() -> None:
    """The first update is taken as it is; then the decay is (1 + n)/(10 + n) of n updates, up to its value."""
    module = nn.Linear(1, 1, bias=False)
    average = MovingAverage(module, 0.2)
    expected = 0.0
    for done, value in enumerate((3.0, 5.0, -1.0, 2.0)):
        nn.init.constant_(module.weight, value)
        average.update(module)
        decay = min(0.2, (1 + done) / (10 + done)) if done else 0.0
        expected = decay * expected + (1 - decay) * value
        assert average.module.get_parameter("weight").item() == pytest.approx(expected)
    assert average.n_averaged.item() == 4
    assert not any(parameter.requires_grad for parameter in average.parameters())


def test_average_is_a_copy_in_evaluation_mode() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    average = MovingAverage(module.train(), 0.5)
    assert not average.module.training
    module.get_parameter("0.weight").data.zero_()
    assert average.module.get_parameter("0.weight").abs().sum().item() > 0
    assert set(average.state_dict()) == {"n_averaged", "module.0.weight", "module.0.bias"}
    assert average.n_averaged.dtype == torch.int64

"""The form in which the mobile family is trained computes what the merged, exported network computes."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.sr_model.generators.config import PRESETS, GeneratorConfig, preset
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.over_parameterised import LinearBlock, merged, over_parameterised
from edgesr.sr_model.training.run.inputs import TrainInputs
from edgesr.sr_model.training.run.settings import RunSettings
from edgesr.sr_model.training.run.state import TrainState

FAMILY = ("mobile-s", "mobile-m", "mobile-l")
MOST_STATE_BYTES = 3_000_000


def unmerged(block: LinearBlock, x: Tensor) -> Tensor:
    """The block layer by layer: 3x3, 1x1, and next to them the identity with a scale for each channel."""
    y = F.conv2d(F.conv2d(x, block.weight, padding=1), block.pointwise[:, :, None, None], block.bias)
    return y if block.identity is None else y + block.identity[:, None, None] * x


def trained(name: str, seed: int = 0) -> Generator:
    """A trained form all of whose parameters have moved from their start."""
    torch.manual_seed(seed)
    generator = over_parameterised(Generator(preset(name)))
    for parameter in generator.parameters():
        parameter.data += torch.randn_like(parameter) * 0.05
    return generator.requires_grad_(False)


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("size", [(1, 1), (2, 7), (33, 18)])
def test_merged_equals_layer_by_layer(name: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """To 1e-4 of 255, at image borders too, where the zero padding of the 3x3 layer ends."""
    generator = trained(name)
    lr = torch.rand(2, 3, *size) * 255
    result, exact = merged(generator), merged(copy.deepcopy(generator).double())
    assert not any(isinstance(module, LinearBlock) for module in result.modules())
    assert result.config == generator.config
    assert not any(module.training for module in merged(copy.deepcopy(generator).eval()).modules())
    monkeypatch.setattr(LinearBlock, "forward", unmerged)
    assert (result(lr) - generator(lr)).abs().max().item() < 1e-4 * 255
    expected = generator.double().residual(lr.double())
    assert (exact.residual(lr.double()) - expected).abs().max().item() < 1e-9 * expected.abs().max().item()


@pytest.mark.parametrize("name", FAMILY)
def test_trained_form_starts_equal_to_the_generator_and_has_more_parameters(name: str) -> None:
    torch.manual_seed(3)
    generator = Generator(preset(name))
    form = over_parameterised(generator)
    lr = torch.rand(1, 3, 17, 12) * 255
    assert torch.allclose(form(lr), generator(lr), atol=1e-3)
    convolutions = [module for module in generator.modules() if isinstance(module, nn.Conv2d)]
    assert len([module for module in form.modules() if isinstance(module, LinearBlock)]) == len(convolutions)
    own, more = (sum(p.numel() for p in g.parameters()) for g in (generator, form))
    assert own < more < 1.25 * own
    names = {key: tensor.shape for key, tensor in merged(form).state_dict().items()}
    assert names == {key: tensor.shape for key, tensor in generator.state_dict().items()}


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in FAMILY])
def test_other_presets_are_trained_as_they_are(name: str) -> None:
    form = over_parameterised(Generator(preset(name)))
    assert not any(isinstance(module, LinearBlock) for module in form.modules())


def test_a_merged_generator_that_is_trained_further_starts_where_it_was() -> None:
    generator = merged(trained("mobile-s"))
    lr = torch.rand(1, 3, 9, 9) * 255
    assert torch.allclose(merged(over_parameterised(generator))(lr), generator(lr), atol=1e-3)


@pytest.mark.parametrize("name", FAMILY)
def test_state_of_a_run_is_small_enough_to_be_sent(name: str, tmp_path: Path) -> None:
    """Weights, moving average and moments of a run after its first update."""
    config = TrainConfig(preset=name, steps=2)
    state = TrainState(Generator(preset(name)), config, torch.device("cpu"))
    state.generator(torch.rand(1, 3, 8, 8)).mean().backward()
    state.optimizer.step()
    state.finish_update()
    state.save(tmp_path / "state.pt", RunSettings.of(config, TrainInputs(photographs=tmp_path)))
    assert (tmp_path / "state.pt").stat().st_size < MOST_STATE_BYTES


def test_family_has_the_shape_of_etds_and_no_more() -> None:
    """ETDS-M merged (Chao et al., CVPR 2023): 3x3 of 32 channels, six of them in the middle, and a 1x1 to clip."""
    config = preset("mobile-m")
    assert isinstance(config, GeneratorConfig)
    own = sum(p.numel() for p in Generator(config).parameters())
    assert own == 70_256
    assert own + 48 * 48 + 48 == 72_608, "with the clipping convolution these are the parameters of ETDS-M"
    counts = {name: sum(p.numel() for p in Generator(preset(name)).parameters()) for name in FAMILY}
    assert counts["mobile-s"] == 19_008
    assert 120_000 < counts["mobile-l"] < 140_000

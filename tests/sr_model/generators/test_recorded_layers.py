"""The values that the layers of an exported program compute, next to those of the user's modules."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from edgesr.sr_model.generators.foreign.recorded import record_layers


class Picture(nn.Module):
    """As the picture of an archive holds a user's network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor) -> Tensor:
        result: Tensor = self.network(lr)
        return result


def recorded(network: nn.Module, lr: Tensor) -> dict[str, Tensor]:
    program = torch.export.export(Picture(network), (lr,)).module(check_guards=False)
    found: dict[str, Tensor] = {}
    with torch.inference_mode():
        record_layers(program, lr, found.__setitem__)
    return found


def outputs_of(network: nn.Module, lr: Tensor) -> dict[str, Tensor]:
    """The outputs of all modules when they run first."""
    found: dict[str, Tensor] = {}
    names = {module: name for name, module in network.named_modules()}

    def keep(module: nn.Module, _inputs: object, output: Tensor) -> None:
        found.setdefault(names[module], output)

    for module in names:
        module.register_forward_hook(keep)
    with torch.inference_mode():
        network(lr)
    return found


@torch.no_grad()
def test_layers_are_what_the_users_modules_compute() -> None:
    torch.manual_seed(0)
    shared = nn.Conv2d(4, 4, 3, padding=1)
    norm = nn.BatchNorm2d(4)
    norm.running_mean, norm.running_var = torch.linspace(-0.2, 0.2, 4), torch.linspace(0.5, 2, 4)
    last = nn.Sequential(nn.Flatten(), nn.Linear(4 * 12 * 12, 5), nn.LayerNorm(5))
    network = nn.Sequential(nn.Conv2d(3, 4, 3), norm, shared, nn.PReLU(4), shared, nn.ConvTranspose2d(4, 4, 3), last)
    lr = torch.rand(1, 3, 12, 12)
    found, expected = recorded(network.eval(), lr), outputs_of(network, lr)
    assert list(found) == ["0", "4", "5", "6.1"], "a batch norm is a part of its convolution, and a norm is no layer"
    for name, module in (("0", "1"), ("4", "2"), ("5", "5"), ("6.1", "6.1")):
        assert torch.equal(found[name], expected[module])


@torch.no_grad()
def test_of_many_layers_a_part_is_recorded() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(*[nn.Conv2d(3, 3, 1) for _ in range(121)]).eval()
    lr = torch.rand(1, 3, 4, 4)
    found, expected = recorded(network, lr), outputs_of(network, lr)
    places = [int(name) for name in found]
    assert len(places) == 48 and places[-1] == 120 and {b - a for a, b in pairwise(places)} == {2, 3}
    assert all(torch.equal(found[name], expected[name]) for name in found)


def test_what_is_no_program_has_no_layers() -> None:
    found: dict[str, Tensor] = {}
    record_layers(Picture(nn.Identity()), torch.rand(1, 3, 4, 4), found.__setitem__)
    assert found == {}

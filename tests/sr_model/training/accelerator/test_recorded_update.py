"""Updates that are recorded and replayed, with a CPU in the place of the GPU: what surrounds the recording."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.cuda_graph import Compute, record_once, repeatable_convolutions
from edgesr.sr_model.training.patches.batches import Batch
from edgesr.sr_model.training.phases import l1_update
from edgesr.sr_model.training.processes import Processes
from edgesr.sr_model.training.run.state import TrainState


class Recording:
    """A CUDA graph: what is recorded has no effect until it is replayed."""

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.network, self.optimizer = network, optimizer
        self.replays = 0

    @contextmanager
    def record(self, _graph: object) -> Iterator[None]:
        network, optimizer = copy.deepcopy(self.network.state_dict()), copy.deepcopy(self.optimizer.state_dict())
        assert all(parameter.grad is None for parameter in self.network.parameters()), "they belong to the recording"
        yield
        self.network.load_state_dict(network)
        self.optimizer.load_state_dict(optimizer)


@pytest.mark.parametrize("before", [0, 3])
def test_replayed_updates_are_the_updates(monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    """From the start and of a run that is continued: recording leaves no trace in parameters, moments and count."""
    torch.manual_seed(0)
    network = nn.Linear(3, 2)
    plain = copy.deepcopy(network)
    pairs = [(torch.randn(4, 3), torch.randn(4, 2)) for _ in range(6)]
    optimizers = {one: torch.optim.Adam(one.parameters(), lr=0.1) for one in (network, plain)}

    def update_of(one: nn.Linear) -> Compute:
        def compute(x: Tensor, y: Tensor) -> dict[str, Tensor]:
            loss = (one(x) - y).abs().mean()
            optimizers[one].zero_grad(set_to_none=True)
            loss.backward()
            optimizers[one].step()
            return {"l1": loss.detach()}

        return compute

    recording, compute = Recording(network, optimizers[network]), update_of(network)
    given: list[tuple[Tensor, Tensor]] = []

    def noted(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        given.append((x, y))
        return compute(x, y)

    losses: dict[str, Tensor] = {}

    def replay() -> None:
        for name, loss in compute(*given[-1]).items():
            losses[name].copy_(loss)

    stream = SimpleNamespace(wait_stream=lambda _: None)
    monkeypatch.setattr("torch.cuda.CUDAGraph", lambda: SimpleNamespace(replay=replay))
    monkeypatch.setattr("torch.cuda.graph", recording.record)
    monkeypatch.setattr("torch.cuda.Stream", lambda: stream)
    monkeypatch.setattr("torch.cuda.current_stream", lambda: stream)
    monkeypatch.setattr("torch.cuda.stream", lambda _: nullcontext())

    def keep(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        losses.update(noted(x, y))
        return losses

    for pair in pairs[:before]:
        assert torch.equal(compute(*pair)["l1"], update_of(plain)(*pair)["l1"])
    replayed = record_once(keep, optimizers[network])
    results = [replayed(*pair)["l1"] for pair in pairs[before:]]
    expected = [update_of(plain)(*pair)["l1"] for pair in pairs[before:]]
    assert torch.equal(torch.stack(results), torch.stack(expected)), "each keeps its own losses"
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), plain.parameters(), strict=True))
    for a, b in zip(network.parameters(), plain.parameters(), strict=True):
        for name, moment in optimizers[plain].state[b].items():
            assert torch.equal(moment, optimizers[network].state[a][name]), name
    assert torch.equal(pairs[-1][0], given[-1][0]) and given[-1][0] is not pairs[-1][0]


@pytest.mark.parametrize("name", ["mobile-s", "mobile-l"])
def test_nothing_of_an_update_waits_for_the_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors of the meta device have no values: reading one on the host is an error, and would be in a recording."""
    monkeypatch.setattr("edgesr.sr_model.training.phases._autocast", lambda _: nullcontext())
    meta = torch.device("meta")
    state = TrainState(Generator(preset(name)), TrainConfig(preset=name, luma_weight=0.8), meta)
    update = l1_update(state, Processes(0, 1, meta), recorded=False)
    lr, hr = (torch.empty(2, 3, side, side, device=meta) for side in (8, 32))
    for share in (0.0, 0.5):
        losses = update(Batch(lr, hr, lr), share)
    assert losses["l1"].device == meta and state.step == 2


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_precision_is_that_of_the_forward_pass_alone(precision: str) -> None:
    """Casts are not kept: a recording would replay those of the parameters that it began with."""
    config = TrainConfig(preset="mobile-s", precision=precision)
    state = TrainState(Generator(preset("mobile-s")), config, torch.device("cpu"))
    seen: list[tuple[torch.dtype, bool]] = []

    def note(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen.append((output.dtype, torch.is_autocast_enabled("cpu") and torch.is_autocast_cache_enabled()))

    state.generator.body.tail.register_forward_hook(note)
    lr, hr = (torch.rand(2, 3, side, side) * 255 for side in (8, 32))
    losses = l1_update(state, Processes(0, 1, torch.device("cpu")))(Batch(lr, hr, lr), 0.5)
    assert seen == [({"fp32": torch.float32, "bf16": torch.bfloat16}[precision], False)]
    assert losses["l1"].dtype == torch.float32
    kept = [moment for moments in state.optimizer.state.values() for moment in moments.values()]
    assert {value.dtype for value in (*kept, *state.generator.parameters())} == {torch.float32}


def test_convolutions_are_repeatable_inside_where_that_is_wanted() -> None:
    assert not torch.backends.cudnn.deterministic
    for wanted in (False, True):
        with repeatable_convolutions(wanted=wanted):
            assert torch.backends.cudnn.deterministic == wanted
    assert not torch.backends.cudnn.deterministic

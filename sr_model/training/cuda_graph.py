"""An update that is recorded once as a CUDA graph and then replayed: small networks wait for the host otherwise.

After "Whole-network capture" in PyTorch's notes on CUDA semantics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Compute = Callable[[Tensor, Tensor], dict[str, Tensor]]
_WARM_UP = 3


@contextmanager
def repeatable_convolutions(*, wanted: bool) -> Iterator[None]:
    """Inside, convolutions on CUDA give the same bytes every time, if that is wanted: the fastest add in any order."""
    chosen = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = wanted or chosen
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = chosen


def record_once(compute: Compute, optimizer: torch.optim.Optimizer) -> Compute:
    """The same update of two images of fixed shapes, recorded at its first call.

    ``compute`` takes tensors on a CUDA device, changes parameters by an optimizer that is ``capturable``, and gives
    losses, which the next call overwrites. The updates that a recording needs before it leave no trace.
    """
    graph = torch.cuda.CUDAGraph()
    inputs: list[Tensor] = []
    losses: dict[str, Tensor] = {}

    def record(first: Tensor, second: Tensor) -> None:
        inputs.extend((first.clone(), second.clone()))
        _warm_up(compute, inputs, optimizer)
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph):  # a failure leaves its stream too
            losses.update(compute(*inputs))

    def replay(first: Tensor, second: Tensor) -> dict[str, Tensor]:
        if not inputs:
            record(first, second)
        for own, given in zip(inputs, (first, second), strict=True):
            own.copy_(given)
        graph.replay()
        return {name: loss.clone() for name, loss in losses.items()}

    return replay


def _warm_up(compute: Compute, inputs: list[Tensor], optimizer: torch.optim.Optimizer) -> None:
    """Some updates on a side stream, which are then undone."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    before = [parameter.detach().clone() for parameter in parameters]
    moments = {
        parameter: {name: value.clone() for name, value in optimizer.state[parameter].items()}
        for parameter in parameters
        if parameter in optimizer.state
    }
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UP):
            compute(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    with torch.no_grad():
        for parameter, value in zip(parameters, before, strict=True):
            parameter.copy_(value)
            for name, moment in optimizer.state[parameter].items():
                if parameter in moments:
                    moment.copy_(moments[parameter][name])
                else:
                    moment.zero_()

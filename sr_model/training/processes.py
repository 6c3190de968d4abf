"""One process or many: torch's own launcher (torchrun) starts them, DistributedDataParallel averages gradients.

torchrun --nproc-per-node 4 -m edgesr train photographs/ ...
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.training.run.resources import require_training_device


@dataclass(frozen=True)
class Processes:
    """This process's place among ``count``, and its device. Process 0 alone writes files and validates."""

    rank: int
    count: int
    device: torch.device

    def share(self, batch_size: int) -> int:
        """Patches of a global batch that this process sees."""
        if batch_size % self.count:
            raise InputError(f"batch size {batch_size} cannot be shared among {self.count} processes; give a multiple")
        return batch_size // self.count

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over processes, batch statistics too where the device can."""
        if self.count == 1:
            return module
        if self.device.type == "cuda":
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return DistributedDataParallel(module)

    def mean(self, values: Tensor) -> Tensor:
        """Mean over all values of all processes (equally many each), differentiable in all of them."""
        local = values.mean()
        if self.count == 1:
            return local
        total: Tensor = _SumOverProcesses.apply(local)  # type: ignore[no-untyped-call]
        return total / self.count

    def any(self, flag: bool) -> bool:
        """Whether the flag is true in any process; all learn the same."""
        return flag if self.count == 1 else bool(self._reduced(int(flag), dist.ReduceOp.MAX))

    def largest(self, value: float) -> float:
        """The largest of the processes' values."""
        if self.count == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return tensor.item()

    def agree(self, value: int) -> bool:
        """Whether all processes have the same value."""
        if self.count == 1:
            return True
        return self._reduced(value, dist.ReduceOp.MIN) == self._reduced(value, dist.ReduceOp.MAX)

    def meet(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            dist.barrier()

    def _reduced(self, value: int, operation: dist.ReduceOp.RedOpType) -> int:
        tensor = torch.tensor(value, device=self.device)
        dist.all_reduce(tensor, operation)
        return int(tensor)


class _SumOverProcesses(torch.autograd.Function):
    """Sum of a tensor over processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(_context: object, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


@contextmanager
def joined_processes(kind: str) -> Iterator[Processes]:
    """Join the processes that torchrun started, or be alone; "auto" takes a GPU where there is one."""
    device = _device(kind)
    if not dist.is_torchelastic_launched():
        yield Processes(0, 1, device)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), device)
    finally:
        gc.collect()  # modules that average gradients hold the group; one that outlives it aborts the process
        dist.destroy_process_group()


def _device(kind: str) -> torch.device:
    require_training_device(kind)
    if kind == "cpu" or (kind == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    index = int(os.environ.get("LOCAL_RANK", "0"))
    if not torch.cuda.is_available() or index >= torch.cuda.device_count():
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        raise InputError(f"device cuda: process {index} has no GPU, {found} found; use --device cpu or fewer processes")
    return torch.device("cuda", index)

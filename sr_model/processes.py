"""One process or many: torch's own launcher (torchrun) starts them, DistributedDataParallel averages gradients.

torchrun --nproc-per-node 4 -m edgesr train photographs/ ...
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.parallel import DistributedDataParallel

from runtimes.errors import InputError

_DEVICES = ("auto", "cpu", "cuda")


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
        return local if self.count == 1 else all_reduce(local) / self.count  # type: ignore[no-untyped-call]


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
        dist.destroy_process_group()


def _device(kind: str) -> torch.device:
    if kind not in _DEVICES:
        raise InputError(f"device {kind!r}: choose one of {', '.join(_DEVICES)}")
    if kind == "cpu" or (kind == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    index = int(os.environ.get("LOCAL_RANK", "0"))
    if not torch.cuda.is_available() or index >= torch.cuda.device_count():
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        raise InputError(f"device cuda: process {index} has no GPU, {found} found; use --device cpu or fewer processes")
    return torch.device("cuda", index)

"""Batches of training samples, this process's share of each, prepared by worker processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch.utils.data import DataLoader, Sampler

from edgesr.sr_model.training.data import PatchDataset, Sample
from edgesr.sr_model.training.interrupt import ignore_interrupt
from edgesr.sr_model.training.processes import Processes


@dataclass(frozen=True)
class _ShareOfBatches(Sampler[list[int]]):
    """Sample indices of one process: of every batch from ``first`` to ``last`` its part, in order."""

    first: int
    last: int
    batch_size: int
    share: int
    rank: int

    def __iter__(self) -> Iterator[list[int]]:
        for batch in range(self.first, self.last):
            start = batch * self.batch_size + self.rank * self.share
            yield list(range(start, start + self.share))

    def __len__(self) -> int:
        return self.last - self.first


@dataclass
class Batches:
    """Iterates over batches ``first`` to ``last`` on the process's device; `waited` are the seconds spent waiting."""

    dataset: PatchDataset
    processes: Processes
    batch_size: int
    workers: int
    waited: float = field(default=0.0, init=False)

    def between(self, first: int, last: int) -> Iterator[Sample]:
        """Batches in order; the same whatever the number of workers."""
        share = self.processes.share(self.batch_size)
        sampler = _ShareOfBatches(first, last, self.batch_size, share, self.processes.rank)
        loader = DataLoader(
            self.dataset,
            batch_sampler=sampler,
            num_workers=self.workers,
            worker_init_fn=ignore_interrupt,
            pin_memory=self.processes.device.type == "cuda",
        )
        batches = iter(loader)
        for _ in range(first, last):
            started = time.monotonic()
            batch = next(batches)
            self.waited += time.monotonic() - started
            yield Sample(*(self._moved(part) for part in batch))

    def _moved(self, part: torch.Tensor) -> torch.Tensor:
        return part.to(device=self.processes.device, memory_format=torch.channels_last, non_blocking=True)

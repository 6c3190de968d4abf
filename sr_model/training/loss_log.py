"""Losses of the updates since the last save, and the check that they are finite."""

from __future__ import annotations

import math
from collections import defaultdict

import torch

from edgesr.runtimes.errors import EdgesrError
from edgesr.sr_model.training.cyclic_gan.steps import Losses

_SHOWN = ("l1", "adversarial")


class LossLog:
    """Losses stay on their device for ``interval`` updates: to read them is to wait for it."""

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._unread: list[tuple[int, Losses]] = []
        self._values: dict[str, list[float]] = defaultdict(list)

    def add(self, step: int, losses: Losses) -> None:
        """Note the losses () of the update that led to ``step``. Raises an EdgesrError when one that is read is not
        finite.
        """
        self._unread.append((step, losses))
        if len(self._unread) >= self._interval:
            self._read()

    def text(self) -> str:
        """The newest of those that were read."""
        newest = {name: self._values[name][-1] for name in _SHOWN if name in self._values}
        return ", ".join(f"{name} {value:.4f}" for name, value in newest.items())

    def means(self) -> dict[str, float]:
        """The mean of each since the last call."""
        self._read()
        result = {name: sum(values) / len(values) for name, values in self._values.items()}
        self._values.clear()
        return result

    def _read(self) -> None:
        """All in one transfer: every one would wait for the device again."""
        if not self._unread:
            return
        read = iter(torch.stack([loss for _, losses in self._unread for loss in losses.values()]).tolist())
        for step, losses in self._unread:
            values = {name: next(read) for name in losses}
            if broken := [name for name, value in values.items() if not math.isfinite(value)]:
                raise EdgesrError(
                    f"step {step}: the loss {', '.join(broken)} is not finite; the last checkpoint is kept, "
                    "start from it in a new folder (--checkpoint) with a lower learning rate"
                )
            for name, value in values.items():
                self._values[name].append(value)
        self._unread.clear()

"""Steps for some samples of a batch: which ones is known to the host, so that no step waits for the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Rows = NDArray[np.intp]
"""Places of samples in a batch, in order."""


def on_device(array: NDArray[np.generic], device: torch.device) -> Tensor:
    """A small array as a tensor of the same type, without waiting for what the device is doing."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def take(batch: Tensor, rows: Rows) -> Tensor:
    """(N,...) -> (n,...): a view where the rows are neighbours."""
    if rows[-1] - rows[0] + 1 == len(rows):
        return batch[rows[0] : rows[-1] + 1]
    return batch.index_select(0, on_device(rows, batch.device))


def put(batch: Tensor, rows: Rows, values: Tensor) -> Tensor:
    """A batch with the rows replaced; the batch itself stays as it is."""
    if len(rows) == len(batch):
        return values
    return batch.index_copy(0, on_device(rows, batch.device), values)


def on_rows(batch: Tensor, rows: Rows, step: Callable[[Tensor], Tensor]) -> Tensor:
    """A batch with a step done on some rows; none costs nothing."""
    return put(batch, rows, step(take(batch, rows))) if len(rows) else batch


def to_levels(image: Tensor) -> Tensor:
    """Rounded and clipped to the whole numbers of [0,255]; the tensor is changed in place."""
    return image.round_().clamp_(0, 255)


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Matrix products in float32, whatever autocast or TensorFloat-32 training has chosen; no gradients."""
    chosen = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    can_autocast = torch.amp.is_autocast_available(device.type)
    try:
        with torch.no_grad(), torch.autocast(device.type, enabled=False) if can_autocast else nullcontext():
            yield
    finally:
        torch.set_float32_matmul_precision(chosen)

"""TorchScript Lite interpreter (legacy: PyTorch names ExecuTorch as its successor)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.jit.mobile import LiteScriptModule, _load_for_lite_interpreter

FAILURES = (RuntimeError,)
"""What it raises for a file or an input that it cannot take, or without the memory for it."""


@dataclass(frozen=True)
class TorchScriptLiteSession:
    """An open .ptl model with one input and one output."""

    module: LiteScriptModule

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            answer = self.module(torch.from_numpy(image))
        if not isinstance(answer, torch.Tensor):
            raise RuntimeError(f"it answers a {type(answer).__name__}, need a tensor")
        output: NDArray[np.float32] = answer.numpy()
        return output


def open(path: Path, threads: int, *, exact: bool = False) -> TorchScriptLiteSession:  # noqa: ARG001
    """Load a .ptl file. PyTorch has one thread pool a process: ``threads`` sets it for all sessions.

    ``exact`` changes nothing: this interpreter has one arithmetic.
    """
    torch.set_num_threads(threads)
    return TorchScriptLiteSession(_load_for_lite_interpreter(str(path)))  # type: ignore[no-untyped-call]

"""PyTorch -> TorchScript Lite (.ptl), traced. Legacy: PyTorch names ExecuTorch as its successor."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from edgesr.export.conversions.proof import Proof
from edgesr.export.conversions.tracing import example_input
from edgesr.runtimes.adapters import torchscript
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings


def export_torchscript(module: nn.Module, path: Path, *, proof: Proof) -> None:
    """Write a .ptl file: LR (1,c,h,w) float32 in [0,255] -> SR or residual; height and width stay dynamic.

    Raises an EdgesrError where the file misses its proof.
    """
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module, (example_input(proof.traced, channels=proof.channels),), check_trace=False)  # type: ignore[no-untyped-call]
    traced._save_for_lite_interpreter(str(path))
    fault = proof.fault(
        lambda: torchscript.open(path, RunSettings(threads=torch.get_num_threads())),
        failures=torchscript.RUNTIME.failures(),
    )
    if fault is not None:
        raise EdgesrError(f"the TorchScript file does not compute what the module does: {fault}")

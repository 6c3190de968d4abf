"""PyTorch -> TorchScript Lite (.ptl), traced. Legacy: PyTorch names ExecuTorch as its successor."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from edgesr.export.conversions.full_and_tile import build_graph, example_input
from edgesr.runtimes.bundle.manifest import GraphKind, Size
from edgesr.sr_model.generators.foreign.program import ForeignGenerator
from edgesr.sr_model.generators.generator import Generator


def export_torchscript(generator: Generator | ForeignGenerator, kind: GraphKind, path: Path, *, size: Size) -> None:
    """Write a .ptl file: LR (1,3,h,w) float32 in [0,255] -> SR or residual; height and width stay dynamic."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        graph = build_graph(generator, kind)
        traced = torch.jit.trace(graph, (example_input(size),), check_trace=False)  # type: ignore[no-untyped-call]
    traced._save_for_lite_interpreter(str(path))

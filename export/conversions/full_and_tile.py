"""The two graphs that are exported: `full`, LR -> SR, and `tile`, LR tile -> residual tile."""

from __future__ import annotations

import copy
import warnings

import torch
from torch import Tensor, nn

from edgesr.runtimes.bundle.manifest import GraphKind
from edgesr.sr_model.generators.foreign.program import ForeignGenerator
from edgesr.sr_model.generators.generator import Generator


class _TileGraph(nn.Module):
    """LR (1,c,h,w) in [0,255] -> residual (1,c,s*h,s*w): convolutions only, no statistics of the image."""

    def __init__(self, generator: Generator | ForeignGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, lr: Tensor) -> Tensor:
        return self.generator.residual(lr)


def build_graph(generator: Generator | ForeignGenerator, kind: GraphKind) -> nn.Module:
    """The module to export."""
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of torch about its own exported programs
        generator = copy.deepcopy(generator).eval().requires_grad_(False)
    return generator if kind == "full" else _TileGraph(generator)


def measure_halo(generator: Generator) -> int | None:
    """The number of LR pixels around a tile that its residual depends on: how far one NaN pixel spreads in the tile
    graph.

    None where it spreads farther than all convolutions together reach: then the residual depends on the whole image.
    In float64, where PyTorch's convolutions touch exactly their receptive field (no Winograd blocks).
    """
    graph = build_graph(generator, "tile").double()
    radius = _farthest_reach(graph) + 1
    lr = torch.full((1, 3, 2 * radius + 1, 2 * radius + 1), 128.0, dtype=torch.float64)
    lr[:, :, radius, radius] = torch.nan
    reached = graph(lr)[0].isnan().any(dim=0).nonzero() // generator.config.scale
    halo = int((reached - radius).abs().max())
    return halo if halo < radius else None


def _farthest_reach(graph: nn.Module) -> int:
    """LR pixels that bilinear upsampling and a chain of all convolutions, each at LR size, reach at most."""
    kernels = [module for module in graph.modules() if isinstance(module, nn.Conv2d)]
    return 1 + sum(max(k // 2 * d for k, d in zip(m.kernel_size, m.dilation, strict=True)) for m in kernels)

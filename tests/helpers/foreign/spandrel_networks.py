"""spandrel in tests: with names in place of torchvision, which does not import next to a torch for CPUs alone."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import nn

_TORCHVISION = """
from enum import Enum
class InterpolationMode(Enum):
    NEAREST = "nearest"
def normalize(*arguments): raise NotImplementedError
def rotate(*arguments): raise NotImplementedError
"""
"""All that spandrel imports of it, for two architectures that no test builds."""
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "compact": ("Compact", {"num_feat": 12, "num_conv": 2, "upscale": 4}),
    "esrgan": ("ESRGAN", {"num_filters": 8, "num_blocks": 1, "scale": 4}),
    "esrgan-unshuffle": ("ESRGAN", {"in_nc": 12, "num_filters": 8, "num_blocks": 1, "scale": 2, "shuffle_factor": 2}),
    "span": ("SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 8, "upscale": 2}),
    "swinir": (
        "SwinIR",
        {
            "embed_dim": 12,
            "depths": [2],
            "num_heads": [2],
            "window_size": 8,
            "upscale": 2,
            "upsampler": "pixelshuffledirect",
        },
    ),
}
"""Architecture and arguments of small networks."""


def write_torchvision(folder: Path) -> Path:
    """A folder for PYTHONPATH, with a package torchvision of the names alone."""
    transforms = folder / "torchvision" / "transforms"
    transforms.mkdir(parents=True)
    (folder / "torchvision" / "__init__.py").write_text("")
    (transforms / "__init__.py").write_text("")
    (transforms / "functional.py").write_text(_TORCHVISION)
    return folder


def spandrel_network(name: str) -> nn.Module:
    """A small seeded network of spandrel's own code, in evaluation mode."""
    architecture, arguments = NETWORKS[name]
    build = getattr(importlib.import_module(f"spandrel.architectures.{architecture}"), architecture)
    torch.manual_seed(0)
    network: nn.Module = build(**arguments)
    return network.eval()

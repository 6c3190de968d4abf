"""Networks of the package spandrel 0.4.2 at their published sizes, seeded.

pip install spandrel==0.4.2
edgesr export --module docs/networks/spandrel_archs.py:span_x4 --output bundle
"""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import nn


def span_x4() -> nn.Module:
    """SPAN x4: 48 channels, weights merged in forward, attention without parameters."""
    return _network("SPAN", num_in_ch=3, num_out_ch=3, feature_channels=48, upscale=4)


def span_x4_merged() -> nn.Module:
    """SPAN x4 whose weights are merged once, here, and not in forward, which torch.export cannot follow."""
    network: Any = span_x4().eval()
    for module in network.modules():
        if hasattr(module, "update_params"):
            module.update_params()
            module.update_params = _nothing
    merged: nn.Module = network
    return merged


def safmn_x4() -> nn.Module:
    """SAFMN x4: 36 channels, 8 blocks, adaptive pools, GELU."""
    return _network("SAFMN", dim=36, n_blocks=8, ffn_scale=2.0, upscaling_factor=4)


def cugan_x2() -> nn.Module:
    """Real-CUGAN x2: two U-Nets with transposed convolutions, squeeze and excite."""
    return _network("RealCUGAN", "UpCunet2x", in_channels=3, out_channels=3)


def cugan_fast_x2() -> nn.Module:
    """Real-CUGAN x2, the fast one: a pixel unshuffle first."""
    return _network("RealCUGAN", "UpCunet2x_fast", in_channels=3, out_channels=3)


def plksr_tiny_x4() -> nn.Module:
    """PLKSR-tiny x4: 64 channels, 12 blocks, convolutions of 13x13 on a quarter of the channels."""
    options: dict[str, Any] = {"ccm_type": "DCCM", "kernel_size": 13, "split_ratio": 0.25, "use_ea": False}
    return _network("PLKSR", dim=64, n_blocks=12, upscaling_factor=4, **options)


def nafnet_x1() -> nn.Module:
    """NAFNet x1, width 32: a U-Net of four levels with layer norm, gates and channel attention."""
    options: dict[str, Any] = {"middle_blk_num": 1, "enc_blk_nums": [1, 1, 1, 28], "dec_blk_nums": [1, 1, 1, 1]}
    return _network("NAFNet", img_channel=3, width=32, **options)


def dncnn_x1() -> nn.Module:
    """DnCNN x1: 20 convolutions."""
    return _network("DnCNN", in_nc=3, out_nc=3, nc=64, nb=20, act_mode="R")


def _nothing() -> None: ...


def _network(architecture: str, name: str | None = None, **options: Any) -> nn.Module:
    module = importlib.import_module(f"spandrel.architectures.{architecture}")
    torch.manual_seed(0)
    network: nn.Module = getattr(module, name or architecture)(**options)
    return network

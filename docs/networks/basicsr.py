"""Networks of BasicSR at their published channels and blocks. Their weights are not in a package: they are seeded here.

git clone https://github.com/XPixelGroup/BasicSR
git -C BasicSR checkout 8d56e3a045f9fb3e1d8872f92ee4a4f07f886b0a
cp docs/networks/basicsr.py BasicSR/
edgesr export --module BasicSR/basicsr.py:edsr_x2 --output bundle

With weights of yours: --checkpoint EDSR_Mx2_f64b16_DIV2K_official-3ba7b086.pth for example.
"""

from __future__ import annotations

import importlib
import logging
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

_PACKAGES = ("basicsr", "basicsr.archs", "basicsr.utils")


def edsr_x2() -> nn.Module:
    """EDSR-baseline x2: 64 channels, 16 blocks, mean shift."""
    return _network("edsr", "EDSR", num_in_ch=3, num_out_ch=3, num_feat=64, num_block=16, upscale=2)


def edsr_x3() -> nn.Module:
    """EDSR-baseline x3."""
    return _network("edsr", "EDSR", num_in_ch=3, num_out_ch=3, num_feat=64, num_block=16, upscale=3)


def rcan_x4() -> nn.Module:
    """RCAN x4: 10 groups of 20 blocks, channel attention."""
    return _network("rcan", "RCAN", num_in_ch=3, num_out_ch=3, num_feat=64, num_group=10, num_block=20, upscale=4)


def msrresnet_x4() -> nn.Module:
    """MSRResNet, the generator of SRGAN in BasicSR, x4: 16 blocks, bilinear base."""
    return _network("srresnet", "MSRResNet", num_feat=64, num_block=16, upscale=4)


def rrdbnet_x2() -> nn.Module:
    """RRDBNet x2 of Real-ESRGAN: pixel unshuffle, 23 blocks."""
    return _network("rrdbnet", "RRDBNet", num_in_ch=3, num_out_ch=3, scale=2, num_feat=64, num_block=23, num_grow_ch=32)


def x4plus_anime() -> nn.Module:
    """RRDBNet x4 with 6 blocks; ncnn_weights.py reads its published weights."""
    return _network("rrdbnet", "RRDBNet", num_in_ch=3, num_out_ch=3, scale=4, num_feat=64, num_block=6, num_grow_ch=32)


def ecbsr_x4() -> nn.Module:
    """ECBSR-M10C32 x4, here for RGB. Its branches are merged once, as for deployment, and not in every forward."""
    options = {"num_block": 10, "num_channel": 32, "with_idt": False, "act_type": "prelu", "scale": 4}
    network = _network("ecbsr", "ECBSR", num_in_ch=3, num_out_ch=3, **options)
    blocks: Any = network.get_submodule("backbone")
    for block in blocks:
        merged = [tensor.detach() for tensor in block.rep_params()]
        block.rep_params = partial(tuple, merged)
    return network


def ridnet_x1() -> nn.Module:
    """RIDNet x1, for noise: dilated convolutions, channel attention. Speaks [0,255]."""
    return _network("ridnet", "RIDNet", in_channels=3, mid_channels=64, out_channels=3, num_block=4)


def swinir_light_x2() -> nn.Module:
    """SwinIR-light x2: 60 channels, 4 groups of 6 layers, attention in shifted windows of 8."""
    return _network(
        "swinir",
        "SwinIR",
        upscale=2,
        img_size=64,
        window_size=8,
        depths=[6] * 4,
        num_heads=[6] * 4,
        embed_dim=60,
        mlp_ratio=2,
        upsampler="pixelshuffledirect",
    )


def _network(file: str, name: str, **options: Any) -> nn.Module:
    """A network of basicsr/archs with seeded weights."""
    _without_training()
    try:
        module = importlib.import_module(f"basicsr.archs.{file}_arch")
    finally:
        del sys.modules["torchvision"]
    torch.manual_seed(0)
    network: nn.Module = getattr(module, name)(**options)
    return network


def _without_training() -> None:
    """Make the networks importable without OpenCV, torchvision and compiled operators, which they do not use."""
    for name in _PACKAGES:
        module = ModuleType(name)
        module.__path__ = [str(Path(__file__).parent / name.replace(".", "/"))]
        sys.modules[name] = module
    unused = {"get_root_logger": logging.getLogger, "ModulatedDeformConvPack": nn.Conv2d, "modulated_deform_conv": None}
    for name in ("basicsr.utils", "basicsr.ops", "basicsr.ops.dcn", "torchvision"):
        sys.modules.setdefault(name, ModuleType(name)).__dict__.update(unused)

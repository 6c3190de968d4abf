"""Networks of the package spandrel (pip install spandrel==0.4.2) at their published sizes, seeded.

edgesr export --module docs/networks/spandrel_archs.py:span_x4 --output bundle
"""

from __future__ import annotations

import torch
from torch import nn


def span_x4() -> nn.Module:
    """SPAN x4: 48 channels, convolutions with merged branches, attention without parameters."""
    from spandrel.architectures.SPAN import SPAN

    torch.manual_seed(0)
    return SPAN(num_in_ch=3, num_out_ch=3, feature_channels=48, upscale=4)


def safmn_x4() -> nn.Module:
    """SAFMN x4: 36 channels, 8 blocks, adaptive pools, GELU."""
    from spandrel.architectures.SAFMN import SAFMN

    torch.manual_seed(0)
    return SAFMN(dim=36, n_blocks=8, ffn_scale=2.0, upscaling_factor=4)


def cugan_x2() -> nn.Module:
    """Real-CUGAN x2: two U-Nets with transposed convolutions, squeeze and excite."""
    from spandrel.architectures.RealCUGAN import UpCunet2x

    torch.manual_seed(0)
    return UpCunet2x(in_channels=3, out_channels=3)


def cugan_x3() -> nn.Module:
    """Real-CUGAN x3."""
    from spandrel.architectures.RealCUGAN import UpCunet3x

    torch.manual_seed(0)
    return UpCunet3x(in_channels=3, out_channels=3)


def plksr_tiny_x4() -> nn.Module:
    """PLKSR-tiny x4: 64 channels, 12 blocks, convolutions of 13x13 on a part of the channels."""
    from spandrel.architectures.PLKSR import PLKSR

    torch.manual_seed(0)
    return PLKSR(dim=64, n_blocks=12, upscaling_factor=4, ccm_type="DCCM", kernel_size=13, split_ratio=0.25, use_ea=False)


def nafnet_x1() -> nn.Module:
    """NAFNet x1, width 32: a U-Net of four levels with layer norm, gates and channel attention."""
    from spandrel.architectures.NAFNet import NAFNet

    torch.manual_seed(0)
    return NAFNet(img_channel=3, width=32, middle_blk_num=1, enc_blk_nums=[1, 1, 1, 28], dec_blk_nums=[1, 1, 1, 1])


def dncnn_x1() -> nn.Module:
    """DnCNN x1: 20 convolutions."""
    from spandrel.architectures.DnCNN import DnCNN

    torch.manual_seed(0)
    return DnCNN(in_nc=3, out_nc=3, nc=64, nb=20, act_mode="R")

"""Networks of the NTIRE 2022 challenge on efficient super-resolution, x4, with their published weights.

git clone https://github.com/ofsoundof/NTIRE2022_ESR
git -C NTIRE2022_ESR checkout e95ba4a4916bb13d6348f7ee172827e2452e8a31
cp docs/networks/ntire2022_esr.py NTIRE2022_ESR/
edgesr export --module NTIRE2022_ESR/ntire2022_esr.py:efdn --checkpoint NTIRE2022_ESR/model_zoo/team01_efdn.pth \\
    --output bundle

Constructors are those of test_demo.py. Some networks speak [0,255] and need --peak 255, as rows.py tells.
"""

from __future__ import annotations

import importlib
from typing import Any

from torch import nn


def imdn() -> nn.Module:
    """IMDN, the baseline: channels are split, refined and joined."""
    return _network("imdn_baseline", "IMDN", in_nc=3, out_nc=3, nc=64, nb=8, upscale=4)


def imdn_nb7() -> nn.Module:
    """IMDN with 7 blocks (team 26)."""
    options = {"act_mode": "L", "upsample_mode": "pixelshuffle"}
    return _network("imdn_baseline", "IMDN", in_nc=3, out_nc=3, nc=64, nb=7, upscale=4, **options)


def imdn_plus() -> nn.Module:
    """IMDN+ (team 39)."""
    return _network("team39_imdn_plus", "IMDN_plus", in_nc=3, nf=36, nb=8, out_nc=3)


def rfdn() -> nn.Module:
    """RFDN, the winner of 2020: ESA blocks. Speaks [0,255]."""
    return _network("rfdn_baseline.RFDN", "RFDN")


def efdn() -> nn.Module:
    """EFDN (team 1): convolutions with merged branches, ESA blocks."""
    return _network("team01_efdn", "EFDN")


def fmen() -> nn.Module:
    """FMEN (team 3): convolutions with merged branches, attention at every pixel. Speaks [0,255]."""
    return _network("team03_fmen", "FMEN")


def rlfn() -> nn.Module:
    """RLFN (team 4), the winner in run time: ESA blocks. Speaks [0,255]."""
    return _network("team04_rlfn", "RLFN_cut", in_nc=3, out_nc=3)


def bsrn() -> nn.Module:
    """BSRN (team 18), the winner in complexity: linear layers on NHWC, depthwise convolutions, GELU, ESA blocks."""
    options = {"conv": "BSConvU", "upsampler": "pixelshuffledirect"}
    return _network("team18_bsrn", "BSRN", num_in_ch=3, num_feat=48, num_block=5, num_out_ch=3, upscale=4, **options)


def imdeception() -> nn.Module:
    """IMDeception (team 19): grouped convolutions."""
    return _network("team19_imdeception", "IMDeception", in_ch=3, scale=4, core=16, out_ch=3)


def mobilesr() -> nn.Module:
    """MobileSR (team 20): attention in windows of 8, depthwise convolutions. Needs the package einops."""
    return _network("team20_mobilesr", "MobileSR")


def mdgn() -> nn.Module:
    """MDGN (team 24). Speaks [0,255]."""
    return _network("team24_mdgn", "MDGN")


def lwfanet() -> nn.Module:
    """LWFANet (team 27): attention by the mean and the maximum of the whole image."""
    return _network("team27_lwfanet", "LWFANet", num_in_ch=3, num_out_ch=3, num_feat=96, num_block=10)


def scet() -> nn.Module:
    """SCET (team 30): attention between channels. Needs the package einops."""
    return _network("team30_scet", "SCET", 64, 128, 4)


def rfdnext() -> nn.Module:
    """RFDNeXt (team 38): depthwise convolutions of 7x7."""
    return _network("team38_rfdnext.RFDN", "RFDN", block_type="RFDB", act_type="lrelu")


def _network(file: str, name: str, *arguments: int, **options: Any) -> nn.Module:
    network: nn.Module = getattr(importlib.import_module(f"models.{file}"), name)(*arguments, **options)
    return network

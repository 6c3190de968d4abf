"""Networks of the NTIRE 2022 challenge on efficient super-resolution, x4, with their published weights.

git clone https://github.com/ofsoundof/NTIRE2022_ESR && git -C NTIRE2022_ESR checkout e95ba4a4916bb13d6348f7ee172827e2452e8a31
cp docs/networks/ntire2022_esr.py NTIRE2022_ESR/
edgesr export --module NTIRE2022_ESR/ntire2022_esr.py:imdn --checkpoint NTIRE2022_ESR/model_zoo/imdn_baseline.pth --output bundle

Constructors are those of test_demo.py. Some networks speak [0,255] and need --peak 255; measure.py lists all.
"""

from __future__ import annotations

from torch import nn


def imdn() -> nn.Module:
    """IMDN, the baseline: distillation, channel attention by contrast."""
    from models.imdn_baseline import IMDN

    return IMDN(in_nc=3, out_nc=3, nc=64, nb=8, upscale=4)


def imdn_nb7() -> nn.Module:
    """IMDN with 7 blocks (team 26)."""
    from models.imdn_baseline import IMDN

    return IMDN(in_nc=3, out_nc=3, nc=64, nb=7, upscale=4, act_mode="L", upsample_mode="pixelshuffle")


def imdn_plus() -> nn.Module:
    """IMDN+ (team 39)."""
    from models.team39_imdn_plus import IMDN_plus

    return IMDN_plus(in_nc=3, nf=36, nb=8, out_nc=3)


def rfdn() -> nn.Module:
    """RFDN, the winner of 2020: ESA blocks. Speaks [0,255]."""
    from models.rfdn_baseline.RFDN import RFDN

    return RFDN()


def efdn() -> nn.Module:
    """EFDN (team 1): convolutions with merged branches, ESA blocks."""
    from models.team01_efdn import EFDN

    return EFDN()


def nlffc() -> nn.Module:
    """NLFFC (team 2): Fourier convolutions. Speaks [0,255]."""
    from models.team02_nlffc.NLFFC import Netw

    return Netw()


def fmen() -> nn.Module:
    """FMEN (team 3): re-parameterised convolutions, high-frequency attention. Speaks [0,255]."""
    from models.team03_fmen import FMEN

    return FMEN()


def rlfn() -> nn.Module:
    """RLFN (team 4), the winner in run time: ESA blocks. Speaks [0,255]."""
    from models.team04_rlfn import RLFN_cut

    return RLFN_cut(in_nc=3, out_nc=3)


def bsrn() -> nn.Module:
    """BSRN (team 18), the winner in complexity: linear layers on NHWC, depthwise convolutions, GELU, ESA."""
    from models.team18_bsrn import BSRN

    return BSRN(
        num_in_ch=3, num_feat=48, num_block=5, num_out_ch=3, upscale=4, conv="BSConvU", upsampler="pixelshuffledirect"
    )


def imdeception() -> nn.Module:
    """IMDeception (team 19): grouped convolutions, a large receptive field."""
    from models.team19_imdeception import IMDeception

    return IMDeception(in_ch=3, scale=4, core=16, out_ch=3)


def mobilesr() -> nn.Module:
    """MobileSR (team 20): attention in windows, depthwise convolutions. Needs einops."""
    from models.team20_mobilesr import MobileSR

    return MobileSR()


def mdgn() -> nn.Module:
    """MDGN (team 24). Speaks [0,255]."""
    from models.team24_mdgn import MDGN

    return MDGN()


def lwfanet() -> nn.Module:
    """LWFANet (team 27)."""
    from models.team27_lwfanet import LWFANet

    return LWFANet(num_in_ch=3, num_out_ch=3, num_feat=96, num_block=10)


def scet() -> nn.Module:
    """SCET (team 30): pixel attention, transposed self-attention. Needs einops."""
    from models.team30_scet import SCET

    return SCET(64, 128, 4)


def rfdnext() -> nn.Module:
    """RFDNeXt (team 38)."""
    from models.team38_rfdnext.RFDN import RFDN

    return RFDN(block_type="RFDB", act_type="lrelu")

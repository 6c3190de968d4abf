"""The rows of the table in docs/network_figures.md. Paths are relative to the folder that holds the clones."""

from __future__ import annotations

from dataclasses import dataclass

ESR = "NTIRE2022_ESR"
ESR_WEIGHTS = "NTIRE2022_ESR/model_zoo"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network: its factory, the published weights (seeded ones where there is None), what else the export is given.

    ``special``: what is in it that a conversion can stumble on. ``tile``: side of fixed-size files, more than twice the
    halo.
    """

    name: str
    special: str
    module: str
    checkpoint: str | None = None
    tile: int = 64
    options: tuple[str, ...] = ()


def _esr(name: str, special: str, function: str, weights: str, *options: str, tile: int = 64) -> Row:
    module, checkpoint = f"{ESR}/ntire2022_esr.py:{function}", f"{ESR_WEIGHTS}/{weights}"
    return Row(name=name, special=special, module=module, checkpoint=checkpoint, tile=tile, options=options)


_255 = ("--peak", "255")

ROWS = (
    Row(
        name="SRVGG x4, animevideov3",
        special="PReLU, nearest base",
        module="srvgg.py:animevideov3_x4",
        checkpoint="animevideov3_x4.safetensors",
    ),
    _esr("IMDN x4", "channels split and joined", "imdn", "imdn_baseline.pth", tile=96),
    _esr("IMDN-nb7 x4", "channels split and joined", "imdn_nb7", "team26_imdn_nb7.pth", tile=96),
    _esr("IMDN+ x4", "channels split and joined", "imdn_plus", "team39_imdn_plus.pth", tile=128),
    _esr("MDGN x4", "plain convolutions", "mdgn", "team24_mdgn.pth", *_255),
    _esr("FMEN x4", "pixel attention", "fmen", "team03_fmen.pth", *_255, tile=96),
    _esr("RFDNeXt x4", "depthwise 7x7", "rfdnext", "team38_rfdnext.pth", tile=96),
    _esr("RFDN x4", "ESA", "rfdn", "rfdn_baseline.pth", *_255),
    _esr("RLFN x4", "ESA", "rlfn", "team04_rlfn.pth", *_255),
    _esr("EFDN x4", "ESA", "efdn", "team01_efdn.pth"),
    _esr("BSRN x4", "Linear on NHWC, depthwise, GELU, ESA", "bsrn", "team18_bsrn.pth"),
    _esr("MobileSR x4", "attention in windows of 8", "mobilesr", "team20_mobilesr.pth", tile=96),
    Row(name="EDSR x2", special="mean shift", module="BasicSR/basicsr.py:edsr_x2"),
    Row(name="EDSR x3", special="mean shift", module="BasicSR/basicsr.py:edsr_x3"),
    Row(name="ECBSR x4", special="branches, merged once", module="BasicSR/basicsr.py:ecbsr_x4"),
    Row(
        name="SwinIR-light x2",
        special="shifted windows, layer norm, GELU",
        module="BasicSR/basicsr.py:swinir_light_x2",
        options=("--multiple", "8"),
    ),
    Row(name="SPAN x4", special="weights written in forward", module="spandrel_archs.py:span_x4"),
    Row(name="SPAN x4, merged once", special="attention without weights", module="spandrel_archs.py:span_x4_merged"),
    Row(
        name="SAFMN x4",
        special="adaptive pools, GELU",
        module="spandrel_archs.py:safmn_x4",
        options=("--multiple", "8"),
    ),
    Row(
        name="Real-CUGAN x2",
        special="transposed convolution, squeeze and excite",
        module="spandrel_archs.py:cugan_x2",
        options=("--multiple", "2"),
    ),
    Row(
        name="Real-CUGAN fast x2",
        special="pixel unshuffle, transposed convolution",
        module="spandrel_archs.py:cugan_fast_x2",
        options=("--multiple", "4"),
    ),
    Row(name="DnCNN x1", special="plain convolutions", module="spandrel_archs.py:dncnn_x1"),
)

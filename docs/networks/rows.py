"""The rows of the table in docs/generators.md. Paths are relative to the folder that holds the clones."""

from __future__ import annotations

from dataclasses import dataclass

ESR = "NTIRE2022_ESR"
ESR_WEIGHTS = "NTIRE2022_ESR/model_zoo"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network: its factory, the published weights (seeded ones where there is None), what else the export is given.

    ``special``: what is in it that a conversion can stumble on.
    """

    name: str
    special: str
    module: str
    checkpoint: str | None = None
    options: tuple[str, ...] = ()


def _esr(name: str, special: str, function: str, weights: str, *options: str) -> Row:
    module, checkpoint = f"{ESR}/ntire2022_esr.py:{function}", f"{ESR_WEIGHTS}/{weights}"
    return Row(name=name, special=special, module=module, checkpoint=checkpoint, options=options)


_255 = ("--peak", "255")

ROWS = (
    _esr("IMDN+ x4", "channel attention", "imdn_plus", "team39_imdn_plus.pth"),
    _esr("RFDNeXt x4", "ESA without pooling", "rfdnext", "team38_rfdnext.pth"),
    _esr("MDGN x4", "plain convolutions", "mdgn", "team24_mdgn.pth", *_255),
    _esr("FMEN x4", "pixel attention", "fmen", "team03_fmen.pth", *_255),
    _esr("RLFN x4", "ESA", "rlfn", "team04_rlfn.pth", *_255),
    _esr("IMDN x4", "channel attention", "imdn", "imdn_baseline.pth"),
    _esr("IMDN-nb7 x4", "channel attention", "imdn_nb7", "team26_imdn_nb7.pth"),
    _esr("RFDN x4", "ESA", "rfdn", "rfdn_baseline.pth", *_255),
    _esr("EFDN x4", "ESA", "efdn", "team01_efdn.pth"),
    _esr("BSRN x4", "Linear on NHWC, depthwise, GELU, ESA", "bsrn", "team18_bsrn.pth"),
)

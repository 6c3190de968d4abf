"""The contract of a generator in the manifest's words: its inputs and outputs, and its tiles compared with its whole
picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgesr.runtimes.wording import counted

Colour = Literal["rgb", "luma", "grey"]
"""What the channels of an image carry: three of RGB, or one: studio luma (16 to 235), or full-range luma."""
COLOUR_TEXTS: dict[Colour, str] = {
    "rgb": "3 channels: RGB",
    "luma": "1 channel: luma (16 to 235); of a colour photograph luma goes through the network, chroma is bicubic",
    "grey": "1 channel: grey (0 to 255); of a colour photograph grey goes through the network, chroma is bicubic",
}
"""What a network's images are, and what becomes of the colours that one of a single channel does not take."""
ReferenceKind = Literal["pytorch", "onnxruntime"]
"""What goldens are outputs of: float32 PyTorch, or ONNX Runtime without optimisations where a file is all there is."""
REFERENCES: dict[ReferenceKind, str] = {
    "pytorch": "float32 PyTorch",
    "onnxruntime": "float32 ONNX Runtime without optimisations",
}
"""What each is called in tables and reports."""
Verdict = Literal["proven", "measured", "inexact"]

EXACT = 0.01
"""How far a tile may be from the whole picture at most, of 255, to be called exact."""


def channels_of(colour: Colour) -> int:
    """Number of channels of an image."""
    return 3 if colour == "rgb" else 1


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """The comparison of a generator's tiles with its whole picture. Lengths are in LR pixels.

    ``verdict``: "proven", exact with the receptive field as halo; "measured", exact with the smaller ``halo``;
    "inexact", not exact at any halo, and ``halo`` is None unless tiles were asked for nevertheless.
    ``field`` is the radius of the receptive field, None where it was not found. Tiles begin at multiples of ``step``.
    ``error`` is the largest difference that was seen, of 255, and ``psnr_db`` that of the worst tile; None where
    nothing was compared, ``psnr_db`` also where tiles are equal. ``passes`` over all tiles are run where the network
    pools means of whole images: each gives the next one those that it saw.
    """

    verdict: Verdict
    halo: int | None
    field: int | None
    step: int
    error: float | None
    psnr_db: float | None
    passes: int = 1

    @property
    def exact(self) -> bool:
        """Whether a tile's kept part is that of the whole picture."""
        return self.verdict != "inexact"

    @property
    def text(self) -> str:
        """The verdict in words."""
        if self.halo is None or not self.exact:
            kept = "" if self.halo is None else f" with a halo of {counted(self.halo, 'LR pixel')}"
            return f"differ from the whole picture by {self.error_text}{kept}"
        figure = "" if self.error is None else f", {self.error_text}"
        passes = "" if self.passes == 1 else f", in {self.passes} passes over all tiles, for its pooled means"
        begin = passes if self.step == 1 else f"{passes}, in tiles that begin at multiples of {self.step}"
        field = "" if self.field in (None, self.halo) else f"; receptive field: {counted(self.field or 0, 'LR pixel')}"
        return f"exact ({self.verdict}{figure}) with a halo of {counted(self.halo, 'LR pixel')}{begin}{field}"

    @property
    def error_text(self) -> str:
        """The largest difference of tiles from the whole picture, in words."""
        if self.error is None:
            return "an error that was not measured"
        if self.error == 0:
            return "no difference"
        ratio = "" if self.psnr_db is None else f", {self.psnr_db:.0f} dB"
        return f"up to {self.error:.2g} of 255{ratio}"


def next_multiple(length: int, step: int) -> int:
    """The least multiple of a step that is no less than a length."""
    return -(-length // step) * step


def proven_tiling(halo: int | None) -> Tiling:
    """The tiling of a generator whose receptive field is known; None if a pixel depends on the whole image."""
    verdict: Verdict = "inexact" if halo is None else "proven"
    return Tiling(verdict=verdict, halo=halo, field=halo, step=1, error=None, psnr_db=None)

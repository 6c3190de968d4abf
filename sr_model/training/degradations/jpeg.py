"""JPEG compression of batches as libjpeg-turbo does it, 4:2:0: what remains of an image after a file.

The steps and their rounding are those of libjpeg-turbo with its accurate integer DCT, which Pillow uses, and the
tables those of ITU-T T.81 annex K, scaled by quality (jcparam.c). The entropy coding loses nothing and is left out.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from edgesr.runtimes.arrays import FloatArray
from edgesr.sr_model.training.degradations.rows import on_device, to_levels

_BLOCK = 8
_LUMA_TABLE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_TABLE = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)


def through_jpeg(image: Tensor, qualities: NDArray[np.int64]) -> Tensor:
    """(n,3,h,w) RGB, whole numbers in [0,255], and (n,) qualities 1 to 100 -> same as the image."""
    height, width = image.shape[2:]
    to_ycc, offset, from_ycc = _colour_matrices(image.device)
    padded = F.pad(image, (0, -width % (2 * _BLOCK), 0, height % 2), mode="replicate")
    ycc = torch.baddbmm(offset, to_ycc.expand(len(image), -1, -1), padded.flatten(2)).floor_().view(padded.shape)
    luma = _quantized(_whole_rows_of_blocks(ycc[:, :1]), _scaled_table(_LUMA_TABLE, qualities))
    halved = _whole_rows_of_blocks(_halved(ycc[:, 1:]))
    chroma = _quantized(halved, _scaled_table(_CHROMA_TABLE, qualities))
    colour = _doubled(chroma[:, :, : (height + 1) // 2, : (width + 1) // 2])[:, :, :height, :width]
    differences = (from_ycc @ (colour - 128).flatten(2)).add_(0.5).floor_().view(image.shape)
    return (luma[:, :, :height, :width] + differences).clamp_(0, 255)


def _scaled_table(table: tuple[int, ...], qualities: NDArray[np.int64]) -> FloatArray:
    """(n,64): a quantization table at each quality."""
    percent = np.where(qualities < 50, 5000 // np.maximum(qualities, 1), 200 - 2 * qualities)
    scaled = (np.array(table) * percent[:, None] + 50) // 100
    return np.asarray(scaled.clip(1, 255), dtype=np.float32)


def _quantized(plane: Tensor, tables: FloatArray) -> Tensor:
    """(n,c,8a,8b) in [0,255] -> same: DCT of every block, quantization, and back.

    libjpeg's coefficients have three binary digits and halves are rounded away from zero (jfdctint.c, jcdctmgr.c):
    with small quantization steps halves are frequent.
    """
    count, channels, height, width = plane.shape
    table = on_device(tables[:, None], plane.device)
    basis = _dct_basis(plane.device)
    grid = (count, channels, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    blocks = plane.reshape(grid).permute(0, 1, 2, 4, 3, 5).reshape(count, -1, _BLOCK * _BLOCK)
    steps = ((blocks - 128) @ (8 * basis.T)).round_().div_(8 * table)
    coefficients = steps.add_(steps.sign(), alpha=0.5).trunc_().mul_(table)
    restored = (coefficients @ basis).add_(128)
    grid = (count, channels, height // _BLOCK, width // _BLOCK, _BLOCK, _BLOCK)
    return to_levels(restored).view(grid).permute(0, 1, 2, 4, 3, 5).reshape(plane.shape)


def _whole_rows_of_blocks(plane: Tensor) -> Tensor:
    """The last row repeated: libjpeg does so after chroma is halved, but with columns before."""
    return F.pad(plane, (0, 0, 0, -plane.shape[2] % _BLOCK), mode="replicate")


def _halved(chroma: Tensor) -> Tensor:
    """Means of 2x2; those that end in a half are rounded down in even columns and up in odd ones (h2v2_downsample)."""
    means = F.avg_pool2d(chroma, 2)
    return means.add_(_alternating(0.25, 0.5, means)).floor_()


def _doubled(chroma: Tensor) -> Tensor:
    """Twice as large with weights of 9, 3, 3 and 1 sixteenths, rounding by column (h2v2_fancy_upsample)."""
    larger = F.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False)
    return larger.add_(_alternating(8 / 16, 7 / 16, larger)).floor_()


def _alternating(even: float, odd: float, like: Tensor) -> Tensor:
    """(w,): one value for even columns and one for odd ones."""
    columns = torch.full(like.shape[-1:], even, device=like.device)
    columns[1::2] = odd
    return columns


@lru_cache(maxsize=8)
def _dct_basis(device: torch.device) -> Tensor:
    """(64,64): row 8u+v is the basis image of the vertical frequency u and the horizontal frequency v (T.81, A.3.3)."""
    frequency, place = np.arange(_BLOCK)[:, None], np.arange(_BLOCK)[None]
    lines = np.cos((2 * place + 1) * frequency * np.pi / 16) / 2
    lines[0] /= np.sqrt(2)
    return on_device(np.kron(lines, lines).astype(np.float32), device)


@lru_cache(maxsize=8)
def _colour_matrices(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """RGB to YCbCr (3,3), what is added before rounding down (3,1), and Cb, Cr to what R, G and B have more than Y."""
    to_ycc = [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]]
    just_below_half = 0.5 - 2.0**-16
    offset = [[0.5], [128 + just_below_half], [128 + just_below_half]]
    from_ycc = [[0.0, 1.402], [-0.344136286, -0.714136286], [1.772, 0.0]]
    to, added, back = (torch.tensor(matrix, device=device) for matrix in (to_ycc, offset, from_ycc))
    return to, added, back

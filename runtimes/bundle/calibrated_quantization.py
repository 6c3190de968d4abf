"""A record of how a file with quantized activations was made: the tiles that fixed its ranges, and the choices and
measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RangeMethod = Literal["minmax", "percentile", "mse"]
Scope = Literal["all", "conv"]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The tiles that fixed the ranges: where they came from, how many, their LR size, the SHA-256 of their pixels."""

    source: str
    tiles: int
    tile_size: tuple[int, int]
    sha256: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """One convolution: mean PSNR (dB) of the SR image where it alone is in int8, and its share of all MACs."""

    layer: str
    psnr_db: float
    mac_share: float


@dataclass(frozen=True, kw_only=True)
class QuantizationRecord:
    """A record of how an artifact with quantized activations was made.

    ``scope`` "all": every operator of the tile graph that can be; "conv": convolutions only. ``sensitivity`` ranks the
    convolutions, the most sensitive first (empty where all operators in int8 met the budget); ``float_layers`` stayed
    in float32, and ``quantized_mac_share`` (0..1 of the tile graph's MACs) leaves them out. ``mean_psnr_db``,
    ``worst_psnr_db`` and ``max_mean_shift`` (largest of any tile's channel, 0..255) were measured on the selection
    tiles, which are not calibrated on; the budgets are what they had to keep (int8 only). ``reduced_range``: weights in
    7 bits. ``drop_db``: mean PSNR against HR that it loses on the photographs of the folder ``validation``, and what it
    was allowed to.
    """

    calibration: Calibration
    range_method: RangeMethod
    scope: Scope
    bias_corrected: bool
    reduced_range: bool
    sensitivity: tuple[Sensitivity, ...]
    float_layers: tuple[str, ...]
    quantized_mac_share: float
    min_psnr_budget_db: float | None
    max_shift_budget: float | None
    mean_psnr_db: float | None
    worst_psnr_db: float | None
    max_mean_shift: float | None
    max_drop_budget_db: float | None = None
    drop_db: float | None = None
    validation: str | None = None

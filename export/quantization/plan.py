"""A quantization plan: which layers of a tile graph are int8, in which ranges, with which biases. As files too.

Imports no ONNX, so that a cached export stays fast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgesr.export.records import REMAKE
from edgesr.runtimes.bundle.calibrated_quantization import Calibration, RangeMethod, Scope, Sensitivity
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

Range = tuple[float, float]
Biases = dict[str, NDArray[np.float32]]

_PLAN_FILE = "plan.json"
_RANGES_FILE = "ranges.json"
_ABOVE_BASE_DB, _ENOUGH_DB, _LARGEST_SHIFT = 10.0, 40.0, 255.0
WORST_BELOW_MEAN_DB = 3.0
"""How far the worst golden may be below the mean of the selection tiles."""
_ERROR_OF_TILES, _ERROR_OF_RMS, _HALF_OF_THE_RANGE = 2.0, 4.0, 127.5
_BIAS_FIELDS = ("biases", "biases_8bit")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Limits that a quantized graph must keep on the selection tiles: mean PSNR (dB), largest channel-mean shift
    (0..255); and the PSNR (dB) that it may lose on photographs, if that was asked for.
    """

    min_psnr_db: float
    max_shift: float
    max_drop_db: float | None = None

    def describe(self) -> str:
        """The limits, as options of the command."""
        asked = [] if self.max_drop_db is None else [f"--max-drop {self.max_drop_db:g}"]
        asked += [f"--int8-min-psnr {self.min_psnr_db:.3g}"] if self.min_psnr_db > 0 else []
        asked += [f"--int8-max-shift {self.max_shift:.3g}"] if self.max_shift < _LARGEST_SHIFT else []
        return " with ".join(asked)


LEAST_INT8_SHARE = 0.5

OWN_BUDGET = Budget(min_psnr_db=40.0, max_shift=0.3)
"""Of edgesr's own networks, whose tile graphs give a small residual."""


@dataclass(frozen=True, kw_only=True)
class Tolerated:
    """Fidelity that the files of a plan are held to: mean PSNR (dB) and shift of the selection tiles, and the largest
    error (0..255) of a pixel of any golden."""

    min_psnr_db: float
    max_shift: float
    max_abs_error: float


OWN_TOLERATED = Tolerated(min_psnr_db=OWN_BUDGET.min_psnr_db, max_shift=OWN_BUDGET.max_shift, max_abs_error=64.0)
"""Of edgesr's own networks in their own budget."""


@dataclass(frozen=True, kw_only=True)
class AskedBudget:
    """The limits that the user asked of a quantized graph; None for those not given."""

    min_psnr_db: float | None = None
    max_shift: float | None = None
    max_drop_db: float | None = None

    def budget(self, base_psnr_db: float) -> Budget:
        """The budget for a network of which nothing is known but what its base has: mean PSNR 10 dB above that, 40 at
        most, with a shift of a quarter of the root mean square error that goes with the PSNR. Or the loss of quality
        alone, where that was asked for.
        """
        by_quality = self.max_drop_db is not None
        relative = 0.0 if by_quality else min(base_psnr_db + _ABOVE_BASE_DB, _ENOUGH_DB)
        psnr_db = relative if self.min_psnr_db is None else self.min_psnr_db
        shift = _LARGEST_SHIFT if by_quality else 255 / 10 ** (psnr_db / 20) / 4
        return Budget(
            min_psnr_db=psnr_db,
            max_shift=shift if self.max_shift is None else self.max_shift,
            max_drop_db=self.max_drop_db,
        )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Fidelity of a quantized graph on the selection tiles, against the float32 one; 0..255 scale.

    ``max_abs_error``: the largest of any pixel. ``keeps_flat``: on mid grey, black, white and a checkerboard it is no
    farther from the float32 graph than bilinear upsampling, or one level. ``drop_db``: mean PSNR lost on photographs,
    where there are any.
    """

    mean_psnr_db: float
    worst_psnr_db: float
    max_mean_shift: float
    max_abs_error: float
    keeps_flat: bool
    drop_db: float | None = None

    def keeps(self, budget: Budget) -> bool:
        """Whether it is within a budget."""
        kept = self.mean_psnr_db >= budget.min_psnr_db and self.max_mean_shift <= budget.max_shift
        return kept and (budget.max_drop_db is None or (self.drop_db or 0.0) <= budget.max_drop_db)

    def order(self) -> tuple[bool, float]:
        """The better one of two is larger: a flat tile kept, then the loss of quality or mean and worst PSNR alike."""
        return self.keeps_flat, self.mean_psnr_db + self.worst_psnr_db if self.drop_db is None else -self.drop_db

    def describe(self) -> str:
        """The measurement as part of a line of text."""
        lost = "" if self.drop_db is None else f", loss of quality {self.drop_db:.3f} dB"
        return (
            f"mean {self.mean_psnr_db:.1f} dB, worst {self.worst_psnr_db:.1f} dB, "
            f"channel-mean shift {self.max_mean_shift:.2f}{lost}"
            + ("" if self.keeps_flat else ", a flat or black and white tile not kept")
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A choice for a tile graph. Layers are names of its nodes with weights, ``labels`` their names in the network.

    ``biases`` (c,) and ``measured`` go with weights of 7 bits, ``biases_8bit`` and ``measured_8bit`` with those of 8;
    layers without a bias here keep theirs. ``weight_sizes``: root mean square of each layer's float weights, by which
    another network's plan is told. ``missed``: why it does not keep its ``budget``, in one line, where it does not.
    ``calibration`` and ``validation``: the tiles and the folder that it was found with.
    """

    scope: Scope
    range_method: RangeMethod
    ranges: dict[str, Range]
    labels: dict[str, str]
    float_layers: tuple[str, ...] = ()
    sensitivity: tuple[Sensitivity, ...] = ()
    int8_mac_share: float = 1.0
    biases: Biases = field(default_factory=dict)
    biases_8bit: Biases = field(default_factory=dict)
    measured: Measured | None = None
    measured_8bit: Measured | None = None
    weight_sizes: dict[str, float] = field(default_factory=dict)
    budget: Budget | None = None
    missed: str | None = None
    calibration: Calibration | None = None
    validation: str | None = None

    def tolerated(self, *, own: bool) -> Tolerated:
        """Fidelity that its files are held to: the budget, or what was measured where that is of quality or missed.

        int8 moves edges: a pixel of a golden may be off by twice the largest error on the selection tiles, or by four
        times the root mean square error that the worst golden may have, and by half of the range at most, in edgesr's
        ``own`` networks by a quarter of it.
        """
        kept = self._kept()
        square_root = 255 / 10 ** ((kept.min_psnr_db - WORST_BELOW_MEAN_DB) / 20)
        error = max(_ERROR_OF_TILES * max(m.max_abs_error for m in self._both()), _ERROR_OF_RMS * square_root)
        most = OWN_TOLERATED.max_abs_error if own else _HALF_OF_THE_RANGE
        return Tolerated(min_psnr_db=kept.min_psnr_db, max_shift=kept.max_shift, max_abs_error=min(error, most))

    def _kept(self) -> Budget:
        assert self.budget is not None
        if self.missed is None and self.budget.max_drop_db is None:
            return self.budget
        lowest = min(min(m.mean_psnr_db, m.worst_psnr_db + WORST_BELOW_MEAN_DB) for m in self._both())
        shift = max(OWN_BUDGET.max_shift, *(m.max_mean_shift for m in self._both()))
        return Budget(min_psnr_db=math.floor(lowest), max_shift=shift)

    def _both(self) -> tuple[Measured, Measured]:
        assert self.measured is not None and self.measured_8bit is not None
        return self.measured, self.measured_8bit


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """The result of calibration on tiles for a rewrite: a plan (int8), or ranges alone (16-bit activations), or
    nothing.
    """

    plan: Plan | None = None
    ranges: Mapping[str, Range] | None = None

    def require_plan(self) -> Plan:
        """The plan, where the precision has one."""
        assert self.plan is not None
        return self.plan

    def require_ranges(self) -> Mapping[str, Range]:
        """The ranges, where the precision has them alone."""
        assert self.ranges is not None
        return self.ranges

    def with_ranges(self, renamed: Callable[[Mapping[str, Range]], dict[str, Range]]) -> Calibrated:
        """The same with other ranges, in the plan or alone."""
        return Calibrated(
            plan=None if self.plan is None else replace(self.plan, ranges=renamed(self.plan.ranges)),
            ranges=None if self.ranges is None else renamed(self.ranges),
        )


@dataclass(frozen=True)
class _Ranges:
    ranges: dict[str, Range]


def write_plan(folder: Path, plan: Plan) -> None:
    """Write plan.json and the biases into a folder."""
    bare = replace(plan, biases={}, biases_8bit={})
    (folder / _PLAN_FILE).write_text(to_json(bare))
    for name in _BIAS_FIELDS:
        np.savez(folder / f"{name}.npz", **getattr(plan, name))


def read_plan(folder: Path) -> Plan:
    """The plan of a folder."""
    plan = read_record(Plan, folder / _PLAN_FILE, remake=REMAKE)
    biases, biases_8bit = (_read_biases(folder / f"{name}.npz") for name in _BIAS_FIELDS)
    return replace(plan, biases=biases, biases_8bit=biases_8bit)


def write_ranges(folder: Path, ranges: Mapping[str, Range]) -> None:
    """Write ranges alone into a folder."""
    (folder / _RANGES_FILE).write_text(to_json(_Ranges(dict(ranges))))


def read_ranges(folder: Path) -> dict[str, Range]:
    """The ranges of a folder."""
    return read_record(_Ranges, folder / _RANGES_FILE, remake=REMAKE).ranges


def _read_biases(path: Path) -> Biases:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}

"""Budgets of int8: what was asked, what a network of which nothing is known keeps, and a loss of quality."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgesr.benchmarks.quality.metrics import crop_border, psnr
from edgesr.export.calibration.synthetic import synthetic_tiles
from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.options import ExportOptions
from edgesr.export.quantization.plan import AskedBudget, Budget, Measured, Plan, Tolerated
from edgesr.export.quantization.planning.application import apply_plan
from edgesr.export.quantization.planning.quality_loss import QualityLoss
from edgesr.export.quantization.search import Planner
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import InputError
from tests.export.quantization.test_quantization_plan import SELECTION, TILES, finish, fragile_graph


def photographs(model: onnx.ModelProto) -> list[tuple[FloatArray, FloatArray]]:
    """LR images, and what the float graph makes of them, with noise, as HR."""
    random, run = np.random.default_rng(0), runner(model)
    tiles = synthetic_tiles(5, (24, 20), seed=3)[3:]
    pictures = [finish(tile, next(iter(run(tile).values()))[0]) for tile in tiles]
    return [(t, (p + random.normal(size=p.shape)).astype(np.float32)) for t, p in zip(tiles, pictures, strict=True)]


def measured(mean: float = 45.0, worst: float = 44.0, shift: float = 0.1, drop: float | None = None) -> Measured:
    return Measured(
        mean_psnr_db=mean, worst_psnr_db=worst, max_mean_shift=shift, max_abs_error=20.0, keeps_flat=True, drop_db=drop
    )


@pytest.mark.parametrize(
    ("asked", "base", "budget"),
    [
        (AskedBudget(), 26.0, Budget(min_psnr_db=36.0, max_shift=255 / 10**1.8 / 4)),
        (AskedBudget(), 35.0, Budget(min_psnr_db=40.0, max_shift=0.6375)),
        (AskedBudget(min_psnr_db=30.0), 35.0, Budget(min_psnr_db=30.0, max_shift=255 / 10**1.5 / 4)),
        (AskedBudget(max_shift=0.2), 26.0, Budget(min_psnr_db=36.0, max_shift=0.2)),
        (AskedBudget(max_drop_db=0.1), 26.0, Budget(min_psnr_db=0.0, max_shift=255.0, max_drop_db=0.1)),
        (
            AskedBudget(min_psnr_db=38.0, max_drop_db=0.1),
            26.0,
            Budget(min_psnr_db=38.0, max_shift=255.0, max_drop_db=0.1),
        ),
    ],
)
def test_what_is_not_asked_for_follows_the_base(asked: AskedBudget, base: float, budget: Budget) -> None:
    assert asked.budget(base) == budget


def test_what_was_asked_is_told_and_no_more() -> None:
    texts = {
        "--int8-min-psnr 40 with --int8-max-shift 0.3": AskedBudget(min_psnr_db=40.0, max_shift=0.3),
        "--max-drop 0.1": AskedBudget(max_drop_db=0.1),
        "--max-drop 0.1 with --int8-max-shift 0.2": AskedBudget(max_drop_db=0.1, max_shift=0.2),
        "--max-drop 0.1 with --int8-min-psnr 50": AskedBudget(max_drop_db=0.1, min_psnr_db=50.0),
    }
    for text, asked in texts.items():
        assert asked.budget(30.0).describe() == text


def test_the_better_of_two_loses_less_where_quality_is_the_budget() -> None:
    assert measured(mean=45.0, drop=0.01).order() > measured(mean=50.0, drop=0.02).order()
    assert measured(mean=45.0).order() < measured(mean=50.0).order()


def test_a_loss_of_quality_counts_where_it_was_asked_for() -> None:
    by_quality = Budget(min_psnr_db=0.0, max_shift=255.0, max_drop_db=0.1)
    assert measured(drop=0.1).keeps(by_quality) and measured(drop=-0.3).keeps(by_quality)
    assert not measured(drop=0.11).keeps(by_quality)
    assert measured(drop=9.0).keeps(Budget(min_psnr_db=40.0, max_shift=0.3))
    assert "loss of quality 0.110 dB" in measured(drop=0.11).describe()


def plan(budget: Budget, missed: str | None = None) -> Plan:
    found = measured(mean=41.7, worst=37.9, shift=0.4, drop=0.02)
    finer = measured(mean=42.9, worst=38.4, shift=0.6, drop=0.01)
    return Plan(
        scope="all",
        range_method="mse",
        ranges={},
        labels={},
        measured=found,
        measured_8bit=finer,
        budget=budget,
        missed=missed,
    )


def test_files_are_held_to_the_budget_or_to_what_was_measured() -> None:
    budget = Budget(min_psnr_db=40.0, max_shift=0.5)
    assert plan(budget).tolerated(own=True) == Tolerated(min_psnr_db=40.0, max_shift=0.5, max_abs_error=40.0)
    reached = Tolerated(min_psnr_db=40.0, max_shift=0.6, max_abs_error=40.0)
    assert plan(Budget(min_psnr_db=0.0, max_shift=255.0, max_drop_db=0.1)).tolerated(own=True) == reached
    assert plan(Budget(min_psnr_db=50.0, max_shift=0.5), missed="it is").tolerated(own=True) == reached


def by_hand(model: onnx.ModelProto, pairs: list[tuple[FloatArray, FloatArray]]) -> float:
    """Mean PSNR of its pictures of photographs."""
    run = runner(model, exact=True)
    pictures = [(finish(lr, next(iter(run(lr).values()))[0]), hr) for lr, hr in pairs]
    return float(np.mean([psnr(crop_border(sr, 4), crop_border(hr, 4)) for sr, hr in pictures]))


def base(tile: FloatArray) -> FloatArray:
    return tile


def test_the_loss_is_that_of_the_pictures() -> None:
    """The budget of a plan decides how many layers are in float: a fragile one costs quality."""
    model = fragile_graph()
    pairs = photographs(model)
    search = Planner(model, TILES, SELECTION, finish, base, lambda _text: None, photographs=pairs)
    loose = search.search(AskedBudget(max_drop_db=50.0))
    strict = search.search(AskedBudget(max_drop_db=1.0))
    assert loose.float_layers == () and strict.float_layers == ("conv.wild",)
    for found in (loose, strict):
        assert found.measured is not None and found.measured.drop_db is not None and found.missed is None
        quantized = apply_plan(model, found)
        assert found.measured.drop_db == pytest.approx(by_hand(model, pairs) - by_hand(quantized, pairs), abs=1e-4)
        assert QualityLoss(model, pairs, finish).drop_db(quantized) == found.measured.drop_db
        assert found.measured_8bit is not None and found.measured_8bit.drop_db is not None
    assert loose.measured is not None and loose.measured.drop_db is not None and loose.measured.drop_db > 1.0


def test_a_loss_that_no_plan_keeps_is_told() -> None:
    model = fragile_graph()
    search = Planner(model, TILES, SELECTION, finish, base, lambda _text: None, photographs=photographs(model))
    found = search.search(AskedBudget(max_drop_db=0.0))
    assert found.missed is not None and found.missed.startswith("--max-drop 0 cannot be kept with half of the work")
    assert "loss of quality" in found.missed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_drop_db": 0.1}, "--max-drop and --validation belong together"),
        ({"validation": "folder"}, "--max-drop and --validation belong together"),
        ({"max_drop_db": -0.1, "validation": "folder"}, "--max-drop -0.1: give a number of dB from 0 to 100"),
        ({"max_drop_db": float("nan"), "validation": "folder"}, "--max-drop nan"),
    ],
)
def test_options_that_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ExportOptions(**options)  # type: ignore[arg-type]

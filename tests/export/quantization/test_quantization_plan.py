"""The search for float layers: a graph with one layer that int8 destroys, and budgets on either side of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from edgesr.benchmarks.quality.metrics import channel_mean_shift, psnr
from edgesr.export.calibration.synthetic import synthetic_tiles
from edgesr.export.graphs.onnx_graph import layer_names, mac_shares, runner
from edgesr.export.quantization.plan import Budget, Measured, Plan, read_plan, write_plan
from edgesr.export.quantization.planning.application import apply_plan
from edgesr.export.quantization.search import Planner
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.calibrated_quantization import Sensitivity
from edgesr.runtimes.errors import InputError
from tests.helpers.small_graphs import conv, kernels, make_graph

TILES = synthetic_tiles(8, (16, 16), seed=0)
SELECTION = synthetic_tiles(7, (16, 16), seed=1)[3:]


def fragile_graph(*, channels: int = 4, tail_side: int = 1) -> onnx.ModelProto:
    """Three convolutions; in "wild" a channel that is always 0 has large weights: useless steps in int8."""
    random = np.random.default_rng(7)
    head = random.normal(size=(channels, 3)) * 0.5
    head[0] = 0
    wild = np.eye(channels) + random.normal(size=(channels, channels)) * 0.1
    wild[:, 0] = 1000
    tail = random.normal(size=(3, channels, tail_side, tail_side)) * 30 / tail_side**2
    nodes = [
        helper.make_node("Div", ["x", "white"], ["divided"], name="div"),
        conv("head", "divided", "a"),
        conv("wild", "a", "b"),
        helper.make_node("LeakyRelu", ["b"], ["active"], name="active", alpha=0.1),
        conv("tail", "active", "y", pads=tail_side // 2),
    ]
    tensors = {
        "white": 255.0,
        "body.head.weight": kernels(head),
        "body.head.bias": np.r_[0.0, np.full(channels - 1, 0.1)],
        "body.wild.weight": kernels(wild),
        "body.wild.bias": np.full(channels, 0.05),
        "body.tail.weight": tail,
        "body.tail.bias": np.full(3, 0.5),
    }
    return make_graph(nodes, tensors)


def finish(tile: FloatArray, residual: FloatArray) -> FloatArray:
    return np.clip(tile - residual, 0, 255)


def planner(model: onnx.ModelProto | None = None, said: Callable[[str], None] = lambda _text: None) -> Planner:
    return Planner(model or fragile_graph(), TILES, SELECTION, finish, lambda tile: tile, said)


@pytest.fixture(scope="module")
def without_budget() -> Plan:
    return planner().search(Budget(min_psnr_db=0, max_shift=255))


@pytest.fixture(scope="module")
def mixed() -> Plan:
    return planner().search(Budget(min_psnr_db=40, max_shift=255))


def test_macs_and_labels_by_hand() -> None:
    """3*4, 4*4 and 4*3 multiplications a pixel; a tail of 3x3 has nine times its own."""
    assert mac_shares(fragile_graph()) == pytest.approx({"conv.head": 0.3, "conv.wild": 0.4, "conv.tail": 0.3})
    shares = mac_shares(fragile_graph(tail_side=3))
    assert shares["conv.tail"] == pytest.approx(108 / (12 + 16 + 108))
    assert layer_names(fragile_graph()) == {"conv.head": "head", "conv.wild": "wild", "conv.tail": "tail"}


def test_no_budget_keeps_no_layer_in_float(without_budget: Plan) -> None:
    assert (without_budget.scope, without_budget.float_layers, without_budget.sensitivity) == ("all", (), ())
    assert without_budget.int8_mac_share == 1
    assert without_budget.ranges["x"] == (0, 255)
    assert without_budget.ranges["divided"] == (0, 1)


def test_the_destroyed_layer_ranks_first_and_alone_stays_in_float(mixed: Plan, without_budget: Plan) -> None:
    assert mixed.sensitivity[0].layer == "wild"
    assert {s.layer for s in mixed.sensitivity} == {"head", "wild", "tail"}
    quality = [s.psnr_db for s in mixed.sensitivity]
    assert quality == sorted(quality)
    assert quality[1] > quality[0] + 10
    assert [s.mac_share for s in mixed.sensitivity if s.layer == "wild"] == pytest.approx([0.4])
    assert mixed.float_layers == ("conv.wild",)
    assert mixed.scope == "conv"
    assert mixed.int8_mac_share == pytest.approx(0.6)
    assert mixed.measured is not None and without_budget.measured is not None
    assert without_budget.measured.mean_psnr_db < 40 <= mixed.measured.mean_psnr_db


def test_measured_is_what_the_plan_gives(mixed: Plan) -> None:
    """Worked out here from the quantized graph in exact arithmetic."""
    model = fragile_graph()
    reference, quantized = runner(model), runner(apply_plan(model, mixed), exact=True)
    pairs = [(finish(t, quantized(t)["y"][0]), finish(t, reference(t)["y"][0])) for t in SELECTION]
    measured = mixed.measured
    assert measured is not None
    assert measured.mean_psnr_db == pytest.approx(np.mean([psnr(*pair) for pair in pairs]))
    assert measured.worst_psnr_db == pytest.approx(min(psnr(*pair) for pair in pairs))
    assert measured.max_mean_shift == pytest.approx(max(abs(s) for pair in pairs for s in channel_mean_shift(*pair)))


def test_the_shift_budget_works_alone(mixed: Plan, without_budget: Plan) -> None:
    assert mixed.measured is not None and without_budget.measured is not None
    large, small = without_budget.measured.max_mean_shift, mixed.measured.max_mean_shift
    assert large > 2 * small
    plan = planner().search(Budget(min_psnr_db=0, max_shift=(large * small) ** 0.5))
    assert plan.float_layers == ("conv.wild",)
    assert plan.measured is not None and plan.measured.max_mean_shift < (large * small) ** 0.5


def test_an_impossible_budget_gives_the_best_plan_and_tells_what_was_reached() -> None:
    said: list[str] = []
    plan = planner(said=said.append).search(Budget(min_psnr_db=99, max_shift=0.3))
    assert [line.split(":")[0].split(", ")[:2] for line in said] == [
        ["int8", "all operators"],
        ["int8", "layers only"],
        ["1 layer in float"],
    ]
    assert plan.float_layers == ("conv.wild",)
    assert plan.measured is not None and plan.measured_8bit is not None
    assert plan.measured.mean_psnr_db > 60
    reached = r"--int8-min-psnr 99 with --int8-max-shift 0\.3 .*1 layer in float: mean 6\d\.\d dB.*; lower the budget"
    assert plan.missed is not None and re.search(reached, plan.missed)
    assert "\n" not in plan.missed
    other = planner().search(Budget(min_psnr_db=0, max_shift=1e-6))
    assert other.missed is not None and "--int8-max-shift 1e-06" in other.missed


def test_a_kept_budget_misses_nothing(mixed: Plan, without_budget: Plan) -> None:
    assert (mixed.missed, without_budget.missed) == (None, None)
    assert mixed.budget == Budget(min_psnr_db=40, max_shift=255)


def test_an_impossible_budget_where_the_first_layer_is_more_than_half_of_the_work() -> None:
    """Nothing may stay in float then: still one sentence."""
    plan = planner(fragile_graph(channels=40)).search(Budget(min_psnr_db=99, max_shift=0.3))
    assert plan.float_layers == ()
    assert plan.missed is not None and "0 layers in float" in plan.missed


@pytest.mark.parametrize("method", ["minmax", "percentile", "mse"])
def test_the_range_method_asked_for_is_used(method: str, without_budget: Plan) -> None:
    plan = planner().search(Budget(min_psnr_db=0, max_shift=255), method)  # type: ignore[arg-type]
    assert plan.range_method == method
    assert plan.measured is not None and without_budget.measured is not None
    assert plan.measured.mean_psnr_db < without_budget.measured.mean_psnr_db + 3


def test_the_finished_plan_keeps_the_budget_that_the_search_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """All biases corrected may have a better PSNR and a worse shift: then they are not used."""
    search = planner()
    real = search._measure

    def measure(plan: Plan, *, reduced_range: bool = True) -> Measured:
        found = real(plan, reduced_range=reduced_range)
        return replace(found, max_mean_shift=0.9, mean_psnr_db=99.0) if len(plan.biases) > 1 else found

    monkeypatch.setattr(search, "_measure", measure)
    plan = search.search(Budget(min_psnr_db=40, max_shift=0.5))
    assert plan.measured is not None
    assert plan.measured.max_mean_shift <= 0.5
    assert plan.biases == {}


@pytest.mark.parametrize("gain_db", [-1.0, 1.0])
def test_biases_are_corrected_where_that_measures_better(monkeypatch: pytest.MonkeyPatch, gain_db: float) -> None:
    """For weights of 7 bits and of 8 alike; what is recorded is what was measured of the form that is kept."""
    search = planner()
    real = search._measure

    def measure(plan: Plan, *, reduced_range: bool = True) -> Measured:
        biases = plan.biases if reduced_range else plan.biases_8bit
        plain = real(replace(plan, biases={}, biases_8bit={}), reduced_range=reduced_range)
        return replace(plain, mean_psnr_db=plain.mean_psnr_db + gain_db) if biases else plain

    monkeypatch.setattr(search, "_measure", measure)
    plan = search.search(Budget(min_psnr_db=0, max_shift=255))
    assert (bool(plan.biases), bool(plan.biases_8bit)) == (gain_db > 0, gain_db > 0)
    assert plan.measured == search._measure(plan)
    assert plan.measured_8bit == search._measure(plan, reduced_range=False)
    assert plan.measured != plan.measured_8bit


def test_tiles_that_the_network_leaves_alone_are_refused() -> None:
    model = fragile_graph()
    with pytest.raises(InputError, match="--calibration"):
        Planner(model, TILES, SELECTION, lambda tile, _residual: tile, lambda tile: tile, lambda _text: None)


def test_budget_by_hand() -> None:
    measured = Measured(mean_psnr_db=40.0, worst_psnr_db=30.0, max_mean_shift=0.25, max_abs_error=20.0, keeps_flat=True)
    assert measured.keeps(Budget(min_psnr_db=40, max_shift=0.25))
    assert not measured.keeps(Budget(min_psnr_db=40.1, max_shift=1))
    assert not measured.keeps(Budget(min_psnr_db=0, max_shift=0.2))
    assert measured.describe() == "mean 40.0 dB, worst 30.0 dB, channel-mean shift 0.25"


def test_plan_files_round_trip(mixed: Plan, tmp_path: Path) -> None:
    biases = {"wild": np.array([0.5, -1.25, 3], dtype=np.float32)}
    ranking = (Sensitivity(layer="wild", psnr_db=12.5, mac_share=0.4),)
    plan = replace(mixed, sensitivity=ranking, biases=biases, biases_8bit={"tame": biases["wild"][:2]})
    write_plan(tmp_path, plan)
    again = read_plan(tmp_path)
    assert replace(again, biases={}, biases_8bit={}) == replace(plan, biases={}, biases_8bit={})
    for field in ("biases", "biases_8bit"):
        read, written = getattr(again, field), getattr(plan, field)
        assert set(read) == set(written) and written
        assert all(read[n].dtype == np.float32 and np.array_equal(read[n], written[n]) for n in written)

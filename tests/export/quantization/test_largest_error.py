"""The largest error of a pixel that int8 files may have, and files with one wrong channel or without one bias."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edgesr.benchmarks.parity.comparison import compare
from edgesr.export.calibration.photographs import photograph
from edgesr.export.calibration.synthetic import synthetic_tiles
from edgesr.export.graphs.onnx_graph import constants, copied, runner
from edgesr.export.quantization.plan import AskedBudget, Budget, Measured, Plan
from edgesr.export.quantization.planning.application import apply_plan
from edgesr.export.quantization.precisions import tolerances
from edgesr.export.quantization.search import Planner
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Tolerance
from tests.helpers.small_graphs import conv, make_graph

MEASURED = Measured(mean_psnr_db=42.0, worst_psnr_db=39.0, max_mean_shift=0.1, max_abs_error=1.0, keeps_flat=True)
CHANNELS = 12


RMS_AT_37_DB = 255 / 10 ** (37 / 20)


@pytest.mark.parametrize(
    ("budget_db", "errors", "own", "expected"),
    [
        (40.0, (1.0, 0.5), False, 4 * RMS_AT_37_DB),
        (34.0, (1.0, 0.5), False, 4 * RMS_AT_37_DB * 10 ** (6 / 20)),
        (40.0, (47.0, 52.8), False, 105.6),
        (40.0, (52.8, 47.0), False, 105.6),
        (40.0, (50.0, 120.0), False, 127.5),
        (10.0, (1.0, 1.0), False, 127.5),
        (40.0, (47.0, 52.8), True, 64.0),
        (10.0, (1.0, 1.0), True, 64.0),
    ],
)
def test_it_follows_the_budget_and_what_was_measured(
    budget_db: float, errors: tuple[float, float], own: bool, expected: float
) -> None:
    plan = Plan(
        scope="all",
        range_method="mse",
        ranges={},
        labels={},
        measured=replace(MEASURED, max_abs_error=errors[0]),
        measured_8bit=replace(MEASURED, max_abs_error=errors[1]),
        budget=Budget(min_psnr_db=budget_db, max_shift=0.5),
    )
    assert plan.tolerated(own=own).max_abs_error == pytest.approx(expected)
    missed = replace(plan, missed="it is", budget=Budget(min_psnr_db=60.0, max_shift=0.5))
    reached_db = 42.0
    assert missed.tolerated(own=False).min_psnr_db == reached_db
    least = 4 * RMS_AT_37_DB * 10 ** ((40 - reached_db) / 20)
    assert missed.tolerated(own=False).max_abs_error == pytest.approx(min(max(least, 2 * max(errors)), 127.5))


def network() -> onnx.ModelProto:
    """The image with details of a few levels, which twelve channels of features give."""
    random = np.random.default_rng(3)
    head = random.normal(size=(CHANNELS, 3, 3, 3))
    head -= head.mean(axis=(1, 2, 3), keepdims=True)
    nodes = [
        helper.make_node("Div", ["x", "white"], ["unit"], name="unit"),
        conv("head", "unit", "features", pads=1),
        helper.make_node("LeakyRelu", ["features"], ["active"], name="active", alpha=0.2),
        conv("tail", "active", "details", pads=1),
        helper.make_node("Add", ["unit", "details"], ["sum"], name="sum"),
        helper.make_node("Mul", ["sum", "white"], ["y"], name="picture"),
    ]
    tensors = {
        "white": 255.0,
        "body.head.weight": head,
        "body.head.bias": random.choice([-0.2, 0.2], size=CHANNELS),
        "body.tail.weight": random.normal(size=(3, CHANNELS, 3, 3)) * 0.008,
        "body.tail.bias": np.array([0.02, -0.02, 0.03]),
    }
    return make_graph(nodes, tensors)


def picture(model: onnx.ModelProto, image: FloatArray) -> FloatArray:
    output: FloatArray = runner(model, exact=True)(image)["y"][0]
    return output.clip(0, 255)


@pytest.fixture(scope="module")
def planned() -> tuple[Plan, Tolerance]:
    """All of the network in int8 by its default budget, and what its files may differ by."""
    planner = Planner(
        network(),
        synthetic_tiles(8, (24, 24), seed=0),
        synthetic_tiles(7, (24, 24), seed=1)[3:],
        lambda _tile, output: np.clip(output, 0, 255),
        lambda tile: tile,
        lambda _text: None,
        gives_picture=True,
    )
    plan = planner.search(AskedBudget())
    assert plan.missed is None and plan.float_layers == ()
    return plan, tolerances(plan.tolerated(own=False))["int8"]


def failures(model: onnx.ModelProto, planned: tuple[Plan, Tolerance], *, biases: bool = True) -> tuple[str, ...]:
    """The failures of an int8 file of a model, on a photograph; without the biases of the plan if it is to have its
    own.
    """
    plan, tolerance = planned
    image = photograph("cat", (64, 64))
    found = picture(apply_plan(model, plan if biases else replace(plan, biases={})), image)
    return compare(found, picture(network(), image), tolerance, ring=4).failures


def without(name: str, channel: int | None = None) -> onnx.ModelProto:
    """The network with zeros for weights of one output channel, or for all of a bias."""
    model = copied(network())
    tensor = constants(model)[name]
    values = numpy_helper.to_array(tensor).copy()
    values[slice(None) if channel is None else channel] = 0
    tensor.CopyFrom(numpy_helper.from_array(values, name))
    return model


@pytest.mark.parametrize("biases", [True, False])
def test_the_file_of_the_plan_passes(planned: tuple[Plan, Tolerance], *, biases: bool) -> None:
    assert failures(network(), planned, biases=biases) == ()


@pytest.mark.parametrize("layer", ["head", "tail"])
def test_a_lost_bias_is_refused(layer: str, planned: tuple[Plan, Tolerance]) -> None:
    (failure,) = [f for f in failures(without(f"body.{layer}.bias"), planned, biases=False) if "shift" in f]
    assert float(failure.split()[2]) > 1.5 * planned[1].max_mean_shift


@pytest.mark.parametrize("channel", range(3))
def test_a_single_wrong_channel_is_refused(channel: int, planned: tuple[Plan, Tolerance]) -> None:
    found = failures(without("body.tail.weight", channel), planned)
    assert any(failure.startswith("max error") for failure in found), found


def test_a_wrong_feature_that_only_its_largest_error_tells_is_refused(planned: tuple[Plan, Tolerance]) -> None:
    """41.6 dB and a shift of 0.5 are within the budget; a fixed bound of 64 levels let it pass."""
    found = failures(without("body.head.weight", 1), planned)
    assert [failure.split()[0] for failure in found] == ["max", "border"], found

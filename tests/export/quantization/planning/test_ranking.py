"""Layers in int8 alone, what comes before them computed once: the same figures as of whole graphs."""

from __future__ import annotations

import time

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edgesr.export.calibration.synthetic import synthetic_tiles
from edgesr.export.graphs.onnx_graph import runner, weighted_nodes
from edgesr.export.quantization.plan import Plan
from edgesr.export.quantization.planning import ranking
from edgesr.export.quantization.planning.application import apply_plan
from edgesr.export.quantization.planning.bisection import least_accepted
from edgesr.export.quantization.planning.fidelity import Fidelity
from edgesr.export.quantization.planning.ranking import rank
from edgesr.export.quantization.planning.stepwise import Stepwise
from edgesr.export.quantization.ranges import choose_range, collect_histograms, quantizable_tensors
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from tests.export.quantization.planning.layer_kinds import linear_layers, with_base
from tests.helpers.small_graphs import conv, kernels, make_graph

TILES = synthetic_tiles(6, (16, 12), seed=1)[3:]
RANGES = {
    name: choose_range(histogram, "minmax")
    for name, histogram in collect_histograms(with_base(), quantizable_tensors(with_base()), TILES).items()
}


def fidelity() -> Fidelity:
    return Fidelity(with_base(), TILES, lambda _tile, y: np.clip(y, 0, 255), lambda tile: upsample_bilinear(tile, 2))


def test_each_layer_has_what_its_own_graph_has() -> None:
    model, measure = with_base(), fidelity()
    layers = [node.name for node in weighted_nodes(model)]
    found = rank(model, layers, RANGES, measure, lambda _text: None)
    assert list(found) == layers
    for layer in layers:
        others = tuple(name for name in layers if name != layer)
        plan = Plan(scope="conv", range_method="minmax", ranges=RANGES, labels={}, float_layers=others)
        whole = measure.measure(apply_plan(model, plan)).mean_psnr_db
        assert found[layer] == pytest.approx(whole, abs=0.05)
        assert whole < 90


def test_of_many_layers_neighbours_are_ranked_together(monkeypatch: pytest.MonkeyPatch) -> None:
    model, measure = with_base(), fidelity()
    layers = [node.name for node in weighted_nodes(model)]
    alone = rank(model, layers, RANGES, measure, lambda _text: None)
    monkeypatch.setattr(ranking, "MOST_GROUPS", 1)
    together = rank(model, layers, RANGES, measure, lambda _text: None)
    assert len(set(together.values())) == 1
    assert min(together.values()) < min(alone.values())


def resized_to_sizes() -> onnx.ModelProto:
    """Layers enlarged to sizes that are computed from the image's, which are read before and behind a layer."""
    nodes = [
        conv("head", "x", "features"),
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Mul", ["shape", "twice"], ["sizes"]),
        helper.make_node("Resize", ["features", "", "", "sizes"], ["larger"], name="larger", mode="linear"),
        conv("tail", "larger", "tailed"),
        helper.make_node("Resize", ["tailed", "", "", "sizes"], ["y"], name="again", mode="linear"),
    ]
    eye = np.eye(3) + 0.01 * np.arange(9).reshape(3, 3)
    tensors = {
        "twice": np.array([1, 1, 2, 2], dtype=np.int64),
        "body.head.weight": kernels(eye),
        "body.head.bias": np.full(3, 0.5),
        "body.tail.weight": kernels(eye),
        "body.tail.bias": np.full(3, 0.5),
    }
    return make_graph(nodes, tensors)


def test_sizes_that_are_computed_before_a_layer() -> None:
    model = resized_to_sizes()
    measure = Fidelity(model, TILES, lambda _tile, y: np.clip(y, 0, 255), lambda tile: upsample_bilinear(tile, 2))
    histograms = collect_histograms(model, quantizable_tensors(model), TILES)
    ranges = {name: choose_range(histogram, "minmax") for name, histogram in histograms.items()}
    found = rank(model, ["conv.head", "conv.tail"], ranges, measure, lambda _text: None)
    assert all(40 < quality < 80 for quality in found.values())


def test_time_left_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """After one of two layers a quarter of the work is left."""
    now = iter([0.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now, 30.0))
    said: list[str] = []
    rank(with_base(), [node.name for node in weighted_nodes(with_base())], RANGES, fidelity(), said.append)
    assert said == ["ranking 1 of 2 layers, about 10 s left"]


def test_steps_give_the_tensors_of_the_graph() -> None:
    """Sizes among the tensors are carried along."""
    model, tiles = linear_layers(), [tile[:, :6, :5] for tile in TILES]
    names = ["up", "mixed", "again", "y"]
    steps = Stepwise(model, tiles)
    run = runner(model, names, exact=True)
    for name in names:
        for values, tile in zip(steps.run_to(name), tiles, strict=True):
            assert np.array_equal(values, run(tile)[name])


def test_a_layer_that_is_only_looked_at_can_get_another_bias() -> None:
    model, tiles = linear_layers(), [tile[:, :6, :5] for tile in TILES]
    name, output = next((node.name, node.output[0]) for node in model.graph.node if "gemm.weight" in node.input)
    bias = next(numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.name == "gemm.bias")
    steps, change = Stepwise(model, tiles), np.array([1, 0, 0, -2], dtype=np.float32)
    before = steps.peek(output)
    steps.set_bias(name, bias + change)
    for values, old in zip(steps.run_to(output), before, strict=True):
        assert values - old == pytest.approx(np.broadcast_to(change, old.shape), abs=1e-4)
    assert not np.array_equal(steps.run_to("y")[0], Stepwise(model, tiles).run_to("y")[0])


@pytest.mark.parametrize("least", range(9))
def test_the_least_count_is_found_with_few_tries(least: int) -> None:
    tried: set[int] = set()

    def accept(count: int) -> bool:
        tried.add(count)
        return count >= least

    assert least_accepted(8, accept) == least
    assert len(tried) <= 7
    assert least_accepted(max(least - 1, 0), accept) == (None if least else 0)

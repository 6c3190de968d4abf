"""A network that adds its residual to the image: that addition stays in float, and the picture keeps 0..255."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx.helper import make_node

from edgesr.benchmarks.quality.metrics import psnr
from edgesr.export.calibration.synthetic import synthetic_tiles
from edgesr.export.graphs.image_parts import float_end, image_tensors
from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.quantization.plan import AskedBudget, Plan
from edgesr.export.quantization.planning.application import apply_plan
from edgesr.export.quantization.planning.picture_ranges import picture_ranges
from edgesr.export.quantization.quantize_onnx import nodes_in_float
from edgesr.export.quantization.search import Planner
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from tests.export.quantization.planning.layer_kinds import linear_layers, with_base
from tests.helpers.small_graphs import conv, kernels, make_graph

TILES = synthetic_tiles(6, (24, 24), seed=0)
SELECTION = synthetic_tiles(6, (24, 24), seed=1)[3:]


def plan_of(model: onnx.ModelProto) -> Plan:
    def clip(_tile: FloatArray, picture: FloatArray) -> FloatArray:
        return np.clip(picture, 0, 255)

    search = Planner(
        model, TILES, SELECTION, clip, lambda tile: upsample_bilinear(tile, 2), lambda _text: None, gives_picture=True
    )
    return search.search(AskedBudget())


@pytest.mark.parametrize("operator", ["Add", "Sub"])
def test_the_addition_of_the_image_and_what_makes_and_follows_it_stay_in_float(operator: str) -> None:
    model = with_base(operator)
    assert image_tensors(model) == {"x", "unit", "base"}
    assert float_end(model) == {"base", "sum", "y"}
    assert nodes_in_float(model, "all") == (["sum"] if operator == "Add" else [])


def test_an_addition_inside_or_of_two_features_is_none_of_the_base() -> None:
    """b(x + a(x)) adds the image before a layer, and a(x) + a(x) no image at all."""
    tensors = {f"body.{n}.{k}": v for n in "ab" for k, v in (("weight", kernels(np.eye(3))), ("bias", [0.0] * 3))}
    inside = [conv("a", "x", "a"), make_node("Add", ["x", "a"], ["s"], name="s"), conv("b", "s", "y")]
    assert float_end(make_graph(inside, tensors)) == set()
    features = [conv("a", "x", "a"), conv("b", "x", "b"), make_node("Add", ["a", "b"], ["y"], name="y")]
    assert float_end(make_graph(features, tensors)) == set()
    assert float_end(linear_layers()) == set()


def test_the_last_layer_is_quantized_in_the_range_of_the_residual() -> None:
    """A residual of a grey level is lost in steps of a whole picture: there the sum alone costs 10 dB."""
    model = with_base()
    plan = plan_of(model)
    assert plan.measured is not None and plan.missed is None
    assert (plan.scope, plan.float_layers) == ("all", ())
    assert plan.measured.mean_psnr_db > 70
    quantized = apply_plan(model, plan)
    pair = [np.clip(runner(m, exact=True)(SELECTION[0])["y"][0], 0, 255) for m in (quantized, model)]
    steps = np.round(pair[1] * 128 / 255) * 255 / 128
    assert psnr(*pair) > psnr(steps, pair[1]) + 10


def test_a_picture_like_its_base_is_planned_too() -> None:
    """About a residual nothing could be said."""
    model = make_graph(
        [make_node("Resize", ["x", "", "factors"], ["large"], mode="linear"), conv("a", "large", "y")],
        {
            "factors": np.array([1, 1, 2, 2], dtype=np.float32),
            "body.a.weight": kernels(np.eye(3)),
            "body.a.bias": [0] * 3,
        },
    )
    plan = plan_of(model)
    assert plan.budget == AskedBudget(min_psnr_db=40.0).budget(99.0)
    assert plan.missed is None and plan.measured is not None
    assert plan.measured.mean_psnr_db > 50


def test_the_picture_has_the_range_of_a_picture() -> None:
    """y = 255 * shuffled(wide + 0.5): what the last layer gives lies between -0.5 and 0.5."""
    nodes = [
        conv("a", "x", "wide"),
        make_node("Add", ["wide", "half"], ["moved"], name="moved"),
        make_node("DepthToSpace", ["moved"], ["large"], name="shuffle", blocksize=2, mode="CRD"),
        make_node("Mul", ["large", "white"], ["y"], name="picture"),
    ]
    tensors = {
        "half": 0.5,
        "white": 255.0,
        "body.a.weight": kernels(np.ones((12, 3))),
        "body.a.bias": np.zeros(12),
    }
    found = picture_ranges(make_graph(nodes, tensors))
    assert found == {"y": (0, 255), "large": (0, 1), "moved": (0, 1), "wide": (-0.5, 0.5)}
    divided = [conv("a", "x", "wide"), make_node("Div", ["wide", "half"], ["y"], name="y")]
    assert picture_ranges(make_graph(divided, tensors))["wide"] == (0, 127.5)
    assert set(picture_ranges(with_base())) == {"y", "sum"}

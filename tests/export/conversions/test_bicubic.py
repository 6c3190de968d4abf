"""Bicubic upsampling as a convolution: the same numbers, and no Resize; what is no such upsampling stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.calibration.photographs import photograph
from edgesr.export.graphs.for_converter.bicubic import cubic_by_convolution
from edgesr.export.graphs.onnx_graph import runner
from edgesr.runtimes.glue.bicubic import phase_taps


def resize(scales: tuple[float, float], size: tuple[int, int] = (7, 9), **attributes: Any) -> onnx.ModelProto:
    """A graph that doubles its input of three channels and resizes it."""
    target = [1, 3, int(size[0] * scales[0]), int(size[1] * scales[1])]
    given: dict[str, Any] = {
        "mode": "cubic",
        "cubic_coeff_a": -0.75,
        "coordinate_transformation_mode": "half_pixel",
        **attributes,
    }
    twice = helper.make_node("Add", ["lr", "lr"], ["twice"])
    resized = helper.make_node("Resize", ["twice", "", "scales"], ["sr"], **given)
    graph = helper.make_graph(
        [twice, resized],
        "resize",
        [helper.make_tensor_value_info("lr", TensorProto.FLOAT, [1, 3, *size])],
        [helper.make_tensor_value_info("sr", TensorProto.FLOAT, target)],
        [numpy_helper.from_array(np.array([1, 1, *scales], dtype=np.float32), "scales")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    inferred: onnx.ModelProto = onnx.shape_inference.infer_shapes(model)
    return inferred


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("a", [-0.75, -0.5])
def test_convolution_computes_what_the_resize_does(scale: int, a: float) -> None:
    model = resize((scale, scale), cubic_coeff_a=a)
    written = cubic_by_convolution(model)
    onnx.checker.check_model(written)
    assert [node.op_type for node in written.graph.node] == ["Add", "Gather", "Gather", "Conv", "DepthToSpace"]
    image = photograph("cat", (7, 9))
    assert np.abs(runner(written)(image)["sr"] - runner(model)(image)["sr"]).max() < 1e-3


def test_it_is_bicubic_upsampling_of_pytorch() -> None:
    image = photograph("coffee", (7, 9))
    twice = torch.from_numpy(image)[None] * 2
    expected = torch.nn.functional.interpolate(twice, scale_factor=4, mode="bicubic", align_corners=False)
    found = runner(cubic_by_convolution(resize((4, 4))))(image)["sr"]
    assert np.abs(found - expected.numpy()).max() < 1e-3


def test_taps_by_hand() -> None:
    """Keys' weights at distances 1.25, 0.25, 0.75 and 1.75 with a of -0.75."""
    expected = [-0.10546875, 0.87890625, 0.26171875, -0.03515625]
    taps = phase_taps(2, -0.75)
    assert taps[1].tolist() == [0, *expected]
    assert taps[0].tolist() == [*expected[::-1], 0]


@pytest.mark.parametrize(
    "model",
    [
        resize((2, 3)),
        resize((0.5, 0.5), size=(8, 8)),
        resize((1.5, 1.5), size=(8, 8)),
        resize((2, 2), mode="linear"),
        resize((2, 2), antialias=1),
        resize((2, 2), coordinate_transformation_mode="align_corners"),
        resize((2, 2), exclude_outside=1),
    ],
)
def test_what_is_another_resize_stays(model: onnx.ModelProto) -> None:
    assert cubic_by_convolution(model) == model
